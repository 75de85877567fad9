import { fromUtf8, sha256, toHex } from '@coffer/core';
import { z } from 'zod';
import { auditCategories, auditFields, type AuditCategory, type AuditEvent } from './audit.ts';

/** The end of a chain: its last line. */
export interface ChainPlace {
  /** 1 for the first line of a category. */
  readonly seq: number;
  /** SHA-256 of the line without its line feed, hex. */
  readonly hash: string;
}

/** Before the first line. */
export const chainStart: ChainPlace = { seq: 0, hash: '0'.repeat(64) };

/** Longest line that is written or read: ids, 32 counts and a few words stay far below. */
export const maxLineBytes = 16_384;

/** What every line has; the rest is the event's. */
const Line = z.looseObject({
  time: z.iso.datetime(),
  category: z.enum(auditCategories),
  seq: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  prev: z.string().regex(/^[0-9a-f]{64}$/),
  event: z.string().max(100),
  status: z.string().max(64),
});
export type AuditLine = z.infer<typeof Line>;

/** One line without its line feed: JSON, in which no value can begin a new line. */
export function formatLine(
  { category, event, atMs }: { readonly category: AuditCategory; readonly event: AuditEvent; readonly atMs: number },
  after: ChainPlace,
): string {
  const place = { seq: after.seq + 1, prev: after.hash };
  return JSON.stringify({ time: new Date(atMs).toISOString(), category, ...place, ...auditFields(event) });
}

/** `undefined` for what no daemon wrote. */
export function parseLine(line: Uint8Array): AuditLine | undefined {
  try {
    return Line.safeParse(JSON.parse(fromUtf8(line))).data;
  } catch {
    return undefined;
  }
}

/** Of the bytes without the line feed. */
export function lineHash(line: Uint8Array): string {
  return toHex(sha256(line));
}
