import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditCategory } from './audit.ts';
import { listLogFiles, logFileName, readLines, type LogFile } from './audit-files.ts';
import { chainStart, lineHash, parseLine, type ChainPlace } from './audit-line.ts';

export interface AuditWriterOptions {
  readonly folder: string;
  readonly category: AuditCategory;
  /** A file that reaches this is followed by a new one; every day begins a new one too. */
  readonly maxBytes: number;
}

/** The newest file of a category: appends, begins the next one, removes the oldest. One call at a time. */
export class AuditWriter implements AsyncDisposable {
  readonly #options: AuditWriterOptions;
  #files: LogFile[];
  #handle: FileHandle | undefined;
  #bytes = 0;
  #unsynced = false;
  /** The last line that is in the files. */
  last: ChainPlace;

  /** Cuts off what a killed daemon left of a line. @throws Node's error of the filesystem */
  static async open(options: AuditWriterOptions): Promise<AuditWriter> {
    const files = [...(await listLogFiles(options.folder, options.category))];
    let last = chainStart;
    let newest: Ended | undefined;
    // A file that a killed daemon had just begun holds nothing yet.
    for (const file of files.toReversed()) {
      const ended = await endOf(file.path);
      newest ??= ended;
      last = ended.last ?? last;
      if (ended.last !== undefined) break;
    }
    const writer = new AuditWriter(options, { files, last });
    if (newest !== undefined) await writer.#continue(newest);
    return writer;
  }

  private constructor(options: AuditWriterOptions, { files, last }: { files: LogFile[]; last: ChainPlace }) {
    this.#options = options;
    this.#files = files;
    this.last = last;
  }

  /** Whole lines with their line feeds, of `day`; all of them or none. @throws Node's error of the filesystem */
  async append(lines: string, { day, last }: { readonly day: string; readonly last: ChainPlace }): Promise<void> {
    const handle = await this.#fileFor(day);
    const bytes = Buffer.from(lines, 'utf8');
    try {
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, this.#bytes + done);
        done += bytesWritten;
      }
    } catch (error) {
      await handle.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
    this.#bytes += bytes.byteLength;
    this.#unsynced = true;
    this.last = last;
  }

  /** What was appended is on stable storage. @throws Node's error of the filesystem */
  async sync(): Promise<void> {
    if (!this.#unsynced) return;
    // Before: what is appended meanwhile needs another one.
    this.#unsynced = false;
    try {
      await this.#handle?.datasync();
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  /** The first line of the oldest of the `keep` newest files; `undefined` when there is nothing to remove. */
  async firstKept(keep: number): Promise<number | undefined> {
    const oldest = this.#files.length > keep ? this.#files.at(-keep) : undefined;
    return oldest === undefined ? undefined : firstSeqOf(oldest.path);
  }

  /** Removes all but the newest. @throws Node's error of the filesystem */
  async prune(keep: number): Promise<void> {
    while (this.#files.length > keep) {
      const [oldest] = this.#files;
      if (oldest === undefined) return;
      await unlink(oldest.path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      this.#files.shift();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #continue({ path, bytes }: Ended): Promise<void> {
    this.#handle = await open(path, 'r+');
    this.#bytes = bytes;
    await this.#handle.truncate(bytes);
  }

  /** A clock that went back does not begin a file that would sort before what is there. */
  async #fileFor(today: string): Promise<FileHandle> {
    const newest = this.#files.at(-1);
    const day = newest !== undefined && newest.day > today ? newest.day : today;
    if (this.#handle !== undefined && newest?.day === day && this.#bytes < this.#options.maxBytes) return this.#handle;
    await this.sync();
    await this[Symbol.asyncDispose]();
    const { folder, category } = this.#options;
    const number = newest?.day === day ? newest.number + 1 : 1;
    const path = join(folder, logFileName(category, { day, number }));
    this.#handle = await open(path, 'wx', 0o600);
    await syncFolder(folder);
    this.#bytes = 0;
    this.#files.push({ path, day, number });
    return this.#handle;
  }
}

interface Ended {
  readonly path: string;
  /** Where the last whole line ends. */
  readonly bytes: number;
  readonly last: ChainPlace | undefined;
}

async function endOf(path: string): Promise<Ended> {
  const { line, bytes } = await lastLine(path, () => true);
  if (line === undefined) return { path, bytes, last: undefined };
  if (parseLine(line) !== undefined) return { path, bytes, last: placeOf(line) };
  // Somebody else wrote there: the chain goes on from the last line that is one.
  const own = await lastLine(path, (one) => parseLine(one) !== undefined);
  return { path, bytes, last: own.line && placeOf(own.line) };
}

async function lastLine(
  path: string,
  counts: (line: Uint8Array) => boolean,
): Promise<{ readonly line: Uint8Array | undefined; readonly bytes: number }> {
  let [bytes, line] = [0, undefined as Uint8Array | undefined];
  for await (const lines of readLines(path)) {
    for (const one of lines) {
      if (!one.isWhole || !counts(one.bytes)) continue;
      bytes = one.at + one.bytes.byteLength + 1;
      line = one.bytes;
    }
    line = line && Uint8Array.from(line);
  }
  return { line, bytes };
}

function placeOf(line: Uint8Array): ChainPlace | undefined {
  const parsed = parseLine(line);
  return parsed && { seq: parsed.seq, hash: lineHash(line) };
}

async function firstSeqOf(path: string): Promise<number | undefined> {
  for await (const [first] of readLines(path)) return first && parseLine(first.bytes)?.seq;
  return undefined;
}

/** A new file is found again after a power cut. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}
