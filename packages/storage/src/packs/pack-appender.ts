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
  /** Runs before a new file is made. */
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
  #headerDue: boolean;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #appendedTo: number;
  #writtenTo: number;
  #durableTo: number;
  /** Grows with every drop: a flush that began before one would wait for what no longer comes. */
  #drops = 0;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  /** A write found no space and is being undone. */
  #undoing: Promise<void> | undefined;
  #failure: CofferError | undefined;
  #wakeSync: (() => void) | undefined;

  constructor(options: PackAppenderOptions) {
    this.#options = options;
    this.#headerDue = options.resumeAt === undefined;
    this.#appendedTo = options.resumeAt ?? packHeaderBytes;
    this.#writtenTo = options.resumeAt ?? 0;
    this.#durableTo = this.#writtenTo;
  }

  /** Where the next record will lie. */
  get end(): number {
    return this.#appendedTo;
  }

  get gatheredBytes(): number {
    return this.#gatheredBytes;
  }

  /** True when nothing is under way and nothing waits for a flush. */
  get idle(): boolean {
    return (
      !this.#writing && !this.#syncing && !this.#undoing && (this.#headerDue || this.#durableTo === this.#appendedTo)
    );
  }

  /** Takes over the parts; returns the offset at which they will lie. @throws IO after a final failure */
  append(parts: readonly Uint8Array[], bytes: number): number {
    if (this.#failure) throw this.#failure;
    const offset = this.#appendedTo;
    if (this.#headerDue) this.#gather([encodePackHeader()], packHeaderBytes);
    this.#headerDue = false;
    this.#appendedTo += bytes;
    this.#gather(parts, bytes);
    this.#write();
    return offset;
  }

  /** Ends early when what it waits for was dropped. @throws IO when a write or sync failed for good */
  async flush(): Promise<void> {
    if (this.#headerDue) return;
    const target = this.#appendedTo;
    const drops = this.#drops;
    while (this.#durableTo < target && this.#drops === drops) {
      if (this.#failure) throw this.#failure;
      await (this.#undoing ?? (this.#syncing ??= this.#syncOnce()));
    }
  }

  /** Waits for what is under way and closes the file; what was not flushed may be lost. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#syncing]);
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
    this.#writing ??= this.#writeGathered();
  }

  /** Called with something gathered, so that it never ends before its promise is kept. */
  async #writeGathered(): Promise<void> {
    while (this.#gathered.length > 0 && !this.#failure) {
      const parts = this.#gathered;
      const bytes = this.#gatheredBytes;
      this.#gathered = [];
      this.#gatheredBytes = 0;
      try {
        await this.#writeAll(await this.#openFile(), parts);
      } catch (error) {
        await this.#afterFailedWrite(error);
      }
      this.#options.onHeld(-bytes);
      this.#wake();
    }
    // Not a moment later: what is appended from here on has to begin a write of its own.
    this.#writing = undefined;
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
    const creates = this.#writtenTo === 0;
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
    this.#undoing = this.#undo();
    await this.#undoing;
    this.#undoing = undefined;
  }

  async #undo(): Promise<void> {
    this.#wake();
    await this.#syncing;
    try {
      await this.#file?.truncate(this.#durableTo);
      // Whole records of the failed write must not come back with the next power cut.
      await this.#file?.sync();
      this.#dropUnflushed();
    } catch (cause) {
      this.#fail('undo a write to', cause);
    }
  }

  #dropUnflushed(): void {
    this.#dropGathered();
    this.#headerDue = this.#durableTo === 0;
    this.#writtenTo = this.#durableTo;
    this.#appendedTo = Math.max(packHeaderBytes, this.#durableTo);
    this.#drops += 1;
    this.#options.onDropped();
  }

  #syncOnce(): Promise<void> {
    return this.#sync().finally(() => {
      this.#syncing = undefined;
    });
  }

  async #sync(): Promise<void> {
    const target = this.#appendedTo;
    while (this.#writtenTo < target && !this.#failure && !this.#undoing) await this.#nextWrite();
    const file = this.#file;
    if (this.#failure || this.#undoing || !file) return;
    const reached = this.#writtenTo;
    try {
      await file.sync();
      // The name of a new file is durable only once its folder is.
      if (this.#durableTo === 0) await this.#options.disk.syncFolder(this.#options.folder);
      this.#durableTo = reached;
    } catch (error) {
      this.#fail('flush', error);
    }
  }

  #nextWrite(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeSync = resolve;
    });
  }

  #wake(): void {
    this.#wakeSync?.();
    this.#wakeSync = undefined;
  }

  /** After a failed fsync nobody knows what is on the disk, and a second fsync may wrongly succeed. */
  #fail(what: string, cause: unknown): void {
    this.#failure ??= new CofferError('IO', `could not ${what} a pack (${diskErrorCode(cause) ?? 'unknown'})`, {
      cause,
      hint: 'Check the disk; what was acknowledged is recovered at the next start.',
      details: { path: this.#options.path },
    });
    this.#dropGathered();
    this.#wake();
  }

  #dropGathered(): void {
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
