import { CofferError } from '@coffer/core';
import type { Disk, DiskFile } from './disk.ts';
import { diskErrorCode, isDiskFull } from './disk.ts';
import { encodePackHeader, packHeaderBytes } from './pack-format.ts';

export interface PackAppenderOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly folder: string;
  /** For a pack that is taken up again: where its whole records end. Absent: the file is created. */
  readonly resumeAt?: number;
  /** Runs once before a new file is made. */
  readonly prepare: () => Promise<void>;
  /** Told how many bytes are held in memory more (or, negative, fewer) than before. */
  readonly onHeld: (bytes: number) => void;
  /** The disk was full: everything that was not flushed is gone. */
  readonly onDropped: () => void;
}

/**
 * The end of one pack: gathers records while a write is under way and writes them with one `writev`; any number of
 * `flush`es share one `fdatasync`.
 */
export class PackAppender {
  readonly #options: PackAppenderOptions;
  #file: DiskFile | undefined;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #appendedTo: number;
  #writtenTo: number;
  #durableTo: number;
  /** Grows with every drop: a flush that began before one would wait for what no longer comes. */
  #drops = 0;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #failure: CofferError | undefined;

  constructor(options: PackAppenderOptions) {
    this.#options = options;
    const start = options.resumeAt ?? packHeaderBytes;
    this.#appendedTo = start;
    this.#writtenTo = options.resumeAt ?? 0;
    this.#durableTo = this.#writtenTo;
    if (options.resumeAt === undefined) this.#gather([encodePackHeader()], packHeaderBytes);
  }

  /** Where the next record will lie. */
  get end(): number {
    return this.#appendedTo;
  }

  get gatheredBytes(): number {
    return this.#gatheredBytes;
  }

  /** Takes over the parts; returns the offset at which they will lie. @throws IO after a final failure */
  append(parts: readonly Uint8Array[], bytes: number): number {
    if (this.#failure) throw this.#failure;
    const offset = this.#appendedTo;
    this.#appendedTo += bytes;
    this.#gather(parts, bytes);
    this.#write();
    return offset;
  }

  /** Ends early when what it waits for was dropped. @throws IO when a write or sync failed for good */
  async flush(): Promise<void> {
    const target = this.#appendedTo;
    const drops = this.#drops;
    if (target === packHeaderBytes && this.#options.resumeAt === undefined) return;
    while (this.#durableTo < target && this.#drops === drops) {
      if (this.#failure) throw this.#failure;
      await (this.#syncing ??= this.#syncOnce());
    }
  }

  /** Waits for the write under way and closes the file; what was not flushed may be lost. */
  async close(): Promise<void> {
    await this.#syncing?.catch(ignore);
    await this.#writing?.catch(ignore);
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #gather(parts: readonly Uint8Array[], bytes: number): void {
    for (const part of parts) if (part.byteLength > 0) this.#gathered.push(part);
    this.#gatheredBytes += bytes;
    this.#options.onHeld(bytes);
  }

  #write(): void {
    if (this.#writing) return;
    this.#writing = this.#writeGathered().finally(() => {
      this.#writing = undefined;
    });
    this.#writing.catch(ignore);
  }

  async #writeGathered(): Promise<void> {
    while (this.#gathered.length > 0 && !this.#failure) {
      const parts = this.#gathered;
      const bytes = this.#gatheredBytes;
      this.#gathered = [];
      this.#gatheredBytes = 0;
      try {
        await this.#writeAll(await this.#openFile(), parts);
        this.#options.onHeld(-bytes);
      } catch (error) {
        this.#options.onHeld(-bytes);
        await this.#afterFailedWrite(error);
      }
    }
  }

  async #writeAll(file: DiskFile, parts: readonly Uint8Array[]): Promise<void> {
    let rest = parts;
    while (rest.length > 0) {
      const written = await file.write(rest, this.#writtenTo);
      if (written === 0) throw new CofferError('IO', 'a write made no progress');
      this.#writtenTo += written;
      rest = skipBytes(rest, written);
    }
  }

  async #openFile(): Promise<DiskFile> {
    if (this.#file) return this.#file;
    const creates = this.#options.resumeAt === undefined;
    if (creates) await this.#options.prepare();
    this.#file = await this.#options.disk.open(this.#options.path, creates ? 'create' : 'write');
    return this.#file;
  }

  /** A full disk is undone: the pack ends again where the last flush left it. Everything else is final. */
  async #afterFailedWrite(error: unknown): Promise<void> {
    if (!isDiskFull(error)) {
      this.#fail('write', error);
      return;
    }
    await this.#syncing?.catch(ignore);
    try {
      await this.#file?.truncate(this.#durableTo);
      await this.#file?.sync();
    } catch (cause) {
      this.#fail('undo a write', cause);
      return;
    }
    this.#dropUnflushed();
  }

  #dropUnflushed(): void {
    this.#options.onHeld(-this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#drops += 1;
    this.#options.onDropped();
    this.#writtenTo = this.#durableTo;
    this.#appendedTo = this.#durableTo;
    if (this.#durableTo > 0) return;
    this.#appendedTo = packHeaderBytes;
    this.#gather([encodePackHeader()], packHeaderBytes);
  }

  #syncOnce(): Promise<void> {
    return this.#sync().finally(() => {
      this.#syncing = undefined;
    });
  }

  async #sync(): Promise<void> {
    await this.#writing;
    const drops = this.#drops;
    const reached = this.#writtenTo;
    const file = this.#file;
    if (this.#failure || !file) return;
    try {
      await file.sync();
      // The name of a new file is durable only once its folder is.
      if (this.#durableTo === 0) await this.#options.disk.syncFolder(this.#options.folder);
    } catch (error) {
      this.#fail('flush', error);
      return;
    }
    if (drops === this.#drops) this.#durableTo = reached;
  }

  /** After a failed fsync nobody knows what is on the disk, and a second fsync may wrongly succeed. */
  #fail(what: string, cause: unknown): void {
    this.#failure ??= new CofferError('IO', `could not ${what} a pack (${diskErrorCode(cause) ?? 'unknown'})`, {
      cause,
      hint: 'Check the disk; acknowledged data is recovered at the next start.',
      details: { path: this.#options.path },
    });
    this.#options.onHeld(-this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }
}

function skipBytes(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  let index = 0;
  for (; index < parts.length; index += 1) {
    const length = parts[index]?.byteLength ?? 0;
    if (left < length) break;
    left -= length;
  }
  if (index === parts.length) return [];
  const rest = parts.slice(index);
  if (left > 0 && rest[0]) rest[0] = rest[0].subarray(left);
  return rest;
}

function ignore(): void {}
