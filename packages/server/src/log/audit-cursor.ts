import { stat } from 'node:fs/promises';
import type { AuditCategory } from './audit.ts';
import { listLogFiles, readLines, type FileLine, type LogFile } from './audit-files.ts';
import { parseLine, type AuditLine } from './audit-line.ts';

/** A whole line of the log, and what it says. */
export interface ReadLine {
  readonly bytes: Uint8Array;
  readonly line: AuditLine;
}

export interface CursorOptions {
  readonly folder: string;
  readonly category: AuditCategory;
  /** What {@link AuditCursor.position} said; files that are gone since then are passed over. */
  readonly position?: string | undefined;
  /** Files that were last written before are left out. */
  readonly sinceMs?: number | undefined;
}

type Place = Omit<LogFile, 'path'> & { readonly at: number };

/** Reads the lines of one category, and later those that came since. What is no line is passed over: that is for verifyAudit. */
export class AuditCursor {
  readonly #options: CursorOptions;
  #place: Place | undefined;
  #reading: { readonly file: LogFile; readonly pieces: AsyncGenerator<readonly FileLine[]> } | undefined;
  #piece: readonly FileLine[] = [];
  #index = 0;
  #next: ReadLine | undefined;
  /** Bytes that were read, over all. */
  readBytes = 0;

  constructor(options: CursorOptions) {
    this.#options = options;
    this.#place = options.position === undefined ? undefined : parsePosition(options.position);
  }

  /** Where the next line begins: for another cursor. Empty before anything was read. */
  get position(): string {
    return this.#place === undefined ? '' : `${this.#place.day}/${this.#place.number}/${this.#place.at}`;
  }

  /** The next line, which stays the next until {@link take}; `undefined` when there is none yet. @throws Node's error of the filesystem */
  async peek(): Promise<ReadLine | undefined> {
    while (this.#next === undefined) {
      const raw = this.#piece[this.#index];
      if (raw === undefined) {
        if (!(await this.#nextPiece())) return undefined;
        continue;
      }
      const line = parseLine(raw.bytes);
      if (line?.category === this.#options.category) this.#next = { bytes: raw.bytes, line };
      else this.#pass(raw);
    }
    return this.#next;
  }

  take(): void {
    const raw = this.#piece[this.#index];
    if (raw !== undefined) this.#pass(raw);
    this.#next = undefined;
  }

  async close(): Promise<void> {
    await this.#reading?.pieces.return(undefined);
    this.#reading = undefined;
  }

  #pass(raw: FileLine): void {
    this.#index += 1;
    if (this.#place !== undefined) this.#place = { ...this.#place, at: raw.at + raw.bytes.byteLength + 1 };
  }

  /** False at the end of what is there. */
  async #nextPiece(): Promise<boolean> {
    for (;;) {
      const next = await this.#reading?.pieces.next();
      if (next !== undefined && next.done !== true) {
        // What is being written has no end yet; it is read with the next try.
        this.#piece = next.value.filter(({ isWhole }) => isWhole);
        this.#index = 0;
        this.readBytes += next.value.reduce((sum, { bytes }) => sum + bytes.byteLength + 1, 0);
        if (this.#piece.length > 0) return true;
        continue;
      }
      this.#reading = undefined;
      const file = await this.#fileAfter();
      if (file === undefined) return false;
      this.#begin(file);
    }
  }

  #begin({ file, from }: { readonly file: LogFile; readonly from: number }): void {
    this.#place = { day: file.day, number: file.number, at: from };
    this.#reading = { file, pieces: readLines(file.path, { from }) };
  }

  /** The file of the position when it has grown, else the one after it. */
  async #fileAfter(): Promise<{ readonly file: LogFile; readonly from: number } | undefined> {
    const { folder, category, sinceMs = 0 } = this.#options;
    const place = this.#place;
    for (const file of await listLogFiles(folder, category)) {
      const order = place === undefined ? 1 : compare(file, place);
      if (order < 0) continue;
      const { size, mtimeMs } = await stat(file.path).catch(() => ({ size: 0, mtimeMs: 0 }));
      if (order === 0 && size <= (place?.at ?? 0)) continue;
      if (order === 0) return (await this.#hasMore(file, place?.at ?? 0)) ? { file, from: place?.at ?? 0 } : undefined;
      if (mtimeMs >= sinceMs) return { file, from: 0 };
    }
    return undefined;
  }

  /** Beyond the position there is a whole line. */
  async #hasMore({ path }: LogFile, from: number): Promise<boolean> {
    for await (const lines of readLines(path, { from })) return lines[0]?.isWhole === true;
    return false;
  }
}

function compare(a: Omit<LogFile, 'path'>, b: Omit<LogFile, 'path'>): number {
  if (a.day !== b.day) return a.day < b.day ? -1 : 1;
  return a.number - b.number;
}

/** `undefined` for what no cursor said: from the beginning. */
function parsePosition(text: string): Place | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})\/(\d{1,9})\/(\d{1,15})$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  return { day: match[1], number: Number(match[2]), at: Number(match[3]) };
}
