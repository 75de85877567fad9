import { CofferError } from '@coffer/core';
import type { Disk, DiskFile } from './disk.ts';
import { diskErrorCode } from './disk.ts';

/** Descriptors kept open for reading: a restore walks through few packs at a time, a server has thousands. */
const openFileLimit = 128;

interface CachedFile {
  readonly file: Promise<DiskFile>;
  users: number;
  forgotten: boolean;
}

/** Reads from files by path and keeps the most recently used ones open. */
export class FileCache implements AsyncDisposable {
  readonly #disk: Disk;
  readonly #files = new Map<string, CachedFile>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Bytes read; fewer than asked only at the end of the file. @throws NOT_FOUND, IO */
  read(path: string, into: Uint8Array, position: number): Promise<number> {
    return this.#use(path, (file) => file.read(into, position));
  }

  /** Closes the file as soon as nobody reads from it. */
  forget(path: string): void {
    const cached = this.#files.get(path);
    if (!cached) return;
    this.#files.delete(path);
    cached.forgotten = true;
    closeWhenUnused(cached);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cached = [...this.#files.values()];
    this.#files.clear();
    for (const { file } of cached) await file.then((open) => open.close()).catch(ignore);
  }

  async #use<Result>(path: string, work: (file: DiskFile) => Promise<Result>): Promise<Result> {
    const cached = this.#open(path);
    cached.users += 1;
    try {
      return await work(await cached.file);
    } catch (error) {
      this.forget(path);
      throw readError(path, error);
    } finally {
      cached.users -= 1;
      closeWhenUnused(cached);
    }
  }

  #open(path: string): CachedFile {
    const found = this.#files.get(path);
    if (found) {
      this.#files.delete(path);
      this.#files.set(path, found);
      return found;
    }
    const opened: CachedFile = { file: this.#disk.open(path, 'read'), users: 0, forgotten: false };
    this.#files.set(path, opened);
    if (this.#files.size > openFileLimit) this.#forgetOldest();
    return opened;
  }

  #forgetOldest(): void {
    const oldest = this.#files.keys().next().value;
    if (oldest !== undefined) this.forget(oldest);
  }
}

function closeWhenUnused(cached: CachedFile): void {
  if (!cached.forgotten || cached.users > 0) return;
  void cached.file.then((file) => file.close()).catch(ignore);
}

function readError(path: string, error: unknown): CofferError {
  if (error instanceof CofferError) return error;
  const code = diskErrorCode(error);
  if (code === 'ENOENT') return new CofferError('NOT_FOUND', 'a pack is missing', { cause: error, details: { path } });
  return new CofferError('IO', `could not read a pack (${code ?? 'unknown'})`, { cause: error, details: { path } });
}

function ignore(): void {}
