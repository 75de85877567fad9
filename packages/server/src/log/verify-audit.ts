import { CofferError } from '@coffer/core';
import { auditCategories, type AuditCategory } from './audit.ts';
import { listLogFiles, readLines, type FileLine } from './audit-files.ts';
import type { AuditHead, AuditHeads } from './audit-heads.ts';
import { chainStart, lineHash, parseLine, type ChainPlace } from './audit-line.ts';

/**
 * What is wrong with a line: `unreadable` (no line of the log), `altered` (the next line, or the head, knows another content),
 * `missing` (lines before this one are gone), `noticed` (the server found at a start that its log had been changed),
 * `truncated` (the last lines are gone; named is the last that is there).
 */
type AuditProblemKind = 'unreadable' | 'altered' | 'missing' | 'noticed' | 'truncated';

export interface AuditProblem {
  readonly kind: AuditProblemKind;
  /** Name of the file, without its folder; empty when there is none. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly seq: number;
}

export interface CategoryReport {
  readonly category: AuditCategory;
  readonly lines: number;
  readonly firstSeq: number;
  /** The last line that is there. */
  readonly last: ChainPlace;
  /** The first one. */
  readonly problem: AuditProblem | undefined;
  /** What the lines are that were asked for. */
  readonly asked: ReadonlyMap<number, string>;
}

export interface VerifyAudit {
  readonly path: string;
  /** Read anew for each try, before the files. */
  readonly heads: () => Promise<AuditHeads>;
  /** Lines whose hash is wanted: heads that somebody remembers. */
  readonly asked?: ReadonlyMap<AuditCategory, readonly number[]>;
  readonly signal?: AbortSignal;
}

/** Files are removed while they are read; then the category is read again. */
const tries = 3;

/** Reads every line that is kept, and compares each with the next, the last with the head. Safe beside a running daemon. @throws IO */
export async function verifyAudit(options: VerifyAudit): Promise<readonly CategoryReport[]> {
  const reports: CategoryReport[] = [];
  for (const category of auditCategories) reports.push(await verifyCategory(category, options));
  return reports;
}

async function verifyCategory(category: AuditCategory, options: VerifyAudit): Promise<CategoryReport> {
  for (let left = tries; ; left -= 1) {
    // Before the files: whatever the head counts is in them already.
    const head = (await options.heads()).get(category);
    try {
      return await readCategory(category, { ...options, head });
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!isGone || left <= 1) throw unreadable(error);
    }
  }
}

async function readCategory(
  category: AuditCategory,
  { path: folder, head, asked, signal }: Omit<VerifyAudit, 'heads'> & { readonly head: AuditHead | undefined },
): Promise<CategoryReport> {
  const files = await listLogFiles(folder, category);
  const check = new ChainCheck({ category, head, asked: new Set(asked?.get(category)) });
  for (const [index, { path }] of files.entries()) {
    check.begin(path.slice(folder.length).replace(/^[/\\]+/, ''));
    for await (const lines of readLines(path, { signal })) {
      for (const line of lines) check.line(line, index === files.length - 1);
    }
  }
  return check.end();
}

/** One category, line by line. */
class ChainCheck {
  readonly #category: AuditCategory;
  readonly #head: AuditHead | undefined;
  readonly #asked: ReadonlySet<number>;
  readonly #answers = new Map<number, string>();
  #file = '';
  #number = 0;
  #lines = 0;
  #firstSeq = 0;
  #last: ChainPlace = chainStart;
  #place: Omit<AuditProblem, 'kind'> = { file: '', line: 0, seq: 0 };
  #problem: AuditProblem | undefined;

  constructor({
    category,
    head,
    asked,
  }: {
    readonly category: AuditCategory;
    readonly head: AuditHead | undefined;
    readonly asked: ReadonlySet<number>;
  }) {
    this.#category = category;
    this.#head = head;
    this.#asked = asked;
  }

  begin(file: string): void {
    this.#file = file;
    this.#number = 0;
  }

  line({ bytes, isWhole }: FileLine, isNewestFile: boolean): void {
    this.#number += 1;
    const parsed = parseLine(bytes);
    // Being written at this moment, or when the daemon was killed; the head does not count it.
    if (!isWhole && isNewestFile) return;
    const here = { file: this.#file, line: this.#number, seq: parsed?.seq ?? 0 };
    if (parsed === undefined || parsed.category !== this.#category) return this.#found('unreadable', here);
    const place = { seq: parsed.seq, hash: lineHash(bytes) };
    this.#compare(parsed, here);
    if (parsed.event === 'audit-gap') this.#found('noticed', here);
    if (this.#asked.has(place.seq)) this.#answers.set(place.seq, place.hash);
    if (place.seq === this.#head?.seq && place.hash !== this.#head.hash) this.#found('altered', here);
    this.#lines += 1;
    [this.#last, this.#place] = [place, here];
  }

  end(): CategoryReport {
    if (this.#last.seq < (this.#head?.seq ?? 0)) this.#found('truncated', this.#place);
    return {
      category: this.#category,
      lines: this.#lines,
      firstSeq: this.#firstSeq,
      last: this.#last,
      problem: this.#problem,
      asked: this.#answers,
    };
  }

  #compare({ seq, prev }: { readonly seq: number; readonly prev: string }, here: Omit<AuditProblem, 'kind'>): void {
    if (this.#lines === 0) {
      this.#firstSeq = seq;
      const isStart = seq === 1 && prev !== chainStart.hash;
      if (isStart) this.#found('altered', here);
      else if (seq > (this.#head?.firstSeq ?? 1)) this.#found('missing', here);
    } else if (seq !== this.#last.seq + 1) this.#found('missing', here);
    else if (prev !== this.#last.hash) this.#found('altered', this.#place);
  }

  #found(kind: AuditProblemKind, where: Omit<AuditProblem, 'kind'>): void {
    this.#problem ??= { kind, ...where };
  }
}

function unreadable(cause: unknown): unknown {
  if ((cause as NodeJS.ErrnoException).code === undefined) return cause;
  return new CofferError('IO', 'the audit log cannot be read', {
    hint: 'Check the folder of the logs and its permissions.',
    cause,
  });
}
