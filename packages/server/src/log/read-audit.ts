import { CofferError, KiB, MiB } from '@coffer/core';
import { auditCategories, type AuditCategory } from './audit.ts';
import { AuditCursor } from './audit-cursor.ts';
import type { AuditLine } from './audit-line.ts';

/** Lines of one page: with names they stay below a control frame. */
const pageBytes = 160 * KiB;
const pageLines = 1000;
/** What is read for one page; a filter that lets nothing through answers an empty page, and where it is. */
const budgetBytes = 16 * MiB;

export interface ReadAudit {
  readonly path: string;
  /** Empty: all. */
  readonly categories: readonly AuditCategory[];
  readonly sinceMs: number | undefined;
  /** Only lines about this account, as hex: as the one who did it, or to whom it was done. */
  readonly account: string | undefined;
  /** Where the page before ended. */
  readonly from: ReadonlyMap<AuditCategory, string>;
}

export interface AuditPage {
  /** In the order of time. */
  readonly lines: readonly Uint8Array[];
  /** For the next page. */
  readonly from: ReadonlyMap<AuditCategory, string>;
  /** There is more already. */
  readonly more: boolean;
}

/** One page of the log, over all categories by time. Safe beside a running daemon. @throws IO */
export async function readAudit({ path: folder, categories, sinceMs, account, from }: ReadAudit): Promise<AuditPage> {
  const wanted = categories.length === 0 ? auditCategories : categories;
  const cursors = wanted.map((category) => {
    const position = from.get(category);
    return { category, cursor: new AuditCursor({ folder, category, sinceMs, position }) };
  });
  try {
    const { lines, more } = await merge(
      cursors.map(({ cursor }) => cursor),
      (line) => Date.parse(line.time) >= (sinceMs ?? 0) && isAbout(line, account),
    );
    return { lines, more, from: new Map(cursors.map(({ category, cursor }) => [category, cursor.position])) };
  } catch (cause) {
    throw new CofferError('IO', 'the audit log cannot be read', {
      hint: 'Check the folder of the logs and its permissions.',
      cause,
    });
  } finally {
    for (const { cursor } of cursors) await cursor.close();
  }
}

async function merge(
  cursors: readonly AuditCursor[],
  wanted: (line: AuditLine) => boolean,
): Promise<Pick<AuditPage, 'lines' | 'more'>> {
  const lines: Uint8Array[] = [];
  for (let bytes = 0; ;) {
    const first = await earliest(cursors);
    if (first === undefined) return { lines, more: false };
    const read = cursors.reduce((sum, cursor) => sum + cursor.readBytes, 0);
    if (bytes + first.next.bytes.byteLength > pageBytes || lines.length >= pageLines || read > budgetBytes)
      return { lines, more: true };
    if (wanted(first.next.line)) {
      lines.push(first.next.bytes);
      bytes += first.next.bytes.byteLength;
    }
    first.cursor.take();
  }
}

async function earliest(cursors: readonly AuditCursor[]) {
  let first: { cursor: AuditCursor; next: NonNullable<Awaited<ReturnType<AuditCursor['peek']>>> } | undefined;
  for (const cursor of cursors) {
    const next = await cursor.peek();
    if (next !== undefined && (first === undefined || next.line.time < first.next.line.time)) first = { cursor, next };
  }
  return first;
}

function isAbout(line: AuditLine, account: string | undefined): boolean {
  return account === undefined || line['account'] === account || line['subject'] === account;
}
