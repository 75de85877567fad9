import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { CofferError, timestampFromNs } from '@coffer/core';
import type { Timestamp } from '@coffer/core';

/** A file being read; every call is synchronous, since lanes are threads of their own. */
export class SourceFile implements Disposable {
  readonly #fd: number;
  readonly #before: BigIntStats;
  readonly isWaiting = false;
  #position = 0;
  #isShort = false;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#before = fstatSync(fd, { bigint: true });
  }

  /** Links are not followed, and a pipe put in a file's place cannot block. @throws NOT_FOUND, NOT_ALLOWED, INVALID, IO */
  static open(path: string | Uint8Array): SourceFile {
    let fd: number | undefined;
    try {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      fd = openSync(
        typeof path === 'string' ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength),
        flags,
      );
      const file = new SourceFile(fd);
      if (!file.#before.isFile()) throw new CofferError('INVALID', 'it is no regular file');
      return file;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw readError(error);
    }
  }

  get size(): number {
    return Number(this.#before.size);
  }

  get mtime(): Timestamp {
    return timestampFromNs(this.#before.mtimeNs);
  }

  get mode(): number {
    return Number(this.#before.mode & 0o7777n);
  }

  /** The size at opening was read, or the file ended before. */
  get isAtEnd(): boolean {
    return this.#isShort || this.#position >= this.size;
  }

  /** Bytes read into `target`, never beyond the size at opening. @throws IO */
  read(target: Uint8Array): number {
    try {
      const wanted = Math.min(target.byteLength, this.size - this.#position);
      const bytes = readSync(this.#fd, target, 0, wanted, this.#position);
      this.#position += bytes;
      this.#isShort = bytes === 0;
      return bytes;
    } catch (error) {
      throw readError(error);
    }
  }

  /** True when nobody wrote to the file since it was opened, and exactly its size was read. */
  isUnchanged(): boolean {
    const { size, mtimeNs, ctimeNs } = this.#before;
    const now = fstatSync(this.#fd, { bigint: true });
    return now.size === size && now.mtimeNs === mtimeNs && now.ctimeNs === ctimeNs && BigInt(this.#position) === size;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function readError(error: unknown): CofferError {
  if (error instanceof CofferError) return error;
  const system = (error as NodeJS.ErrnoException).code ?? 'unknown';
  if (system === 'ENOENT' || system === 'ENOTDIR')
    return new CofferError('NOT_FOUND', 'the file is gone', { cause: error });
  if (system === 'EACCES' || system === 'EPERM')
    return new CofferError('NOT_ALLOWED', 'the file may not be read', { cause: error });
  if (system === 'ELOOP') return new CofferError('INVALID', 'it is no regular file', { cause: error });
  return new CofferError('IO', `the file could not be read (${system})`, { cause: error, details: { system } });
}
