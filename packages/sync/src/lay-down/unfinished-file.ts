import { closeSync, ftruncateSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { CofferError, KiB } from '@coffer/core';
import type { ByteName } from '../byte-name.ts';
import { fileError, hasErrno } from '../file-error.ts';
import type { TemporaryNames } from '../temporary-name.ts';
import type { Folder } from './folder.ts';
import type { HeldFolder } from './open-folders.ts';

/** Up to here a write is quicker than a hop to the thread pool and back (about 60 µs). */
const directBytes = 128 * KiB;

/** Names tried when one is taken: only somebody who plants them on purpose gets that far. */
const maxNames = 8;

export interface OpenFile {
  readonly folder: Folder;
  readonly fd: number;
  readonly temporary: ByteName;
}

/**
 * A file that is being filled under a temporary name. Made when its first bytes are there: hundreds of files are asked for at
 * once, and only those that have arrived need a descriptor. Disposing it removes it, unless it was renamed.
 */
export class UnfinishedFile implements Disposable {
  readonly #hold: () => HeldFolder;
  readonly #names: TemporaryNames;
  #held: HeldFolder | undefined;
  #file: OpenFile | undefined;
  #end = 0;
  #renamed = false;

  constructor(hold: () => HeldFolder, names: TemporaryNames) {
    this.#hold = hold;
    this.#names = names;
  }

  /**
   * Small pieces are written at once: handing them to a thread costs more than writing them. Large ones may meet a full page
   * cache, and must not hold up the connection.
   */
  write(offset: number, bytes: Uint8Array): Promise<void> | void {
    const { fd } = this.open();
    this.#end = Math.max(this.#end, offset + bytes.byteLength);
    if (bytes.byteLength > directBytes) return writeAll(fd, bytes, offset);
    let done = 0;
    try {
      while (done < bytes.byteLength) done += writeSync(fd, bytes, done, bytes.byteLength - done, offset + done);
    } catch (error) {
      throw fileError(error);
    }
  }

  /** The whole file; a hole at its end is only a size. */
  complete(size: number): OpenFile {
    const file = this.open();
    try {
      if (this.#end !== size) ftruncateSync(file.fd, size);
    } catch (error) {
      throw fileError(error);
    }
    return file;
  }

  /** Gives it its name, replacing what is there. */
  rename(name: ByteName): void {
    const { folder, temporary } = this.open();
    folder.rename(temporary, folder, name);
    this.#renamed = true;
  }

  open(): OpenFile {
    if (this.#file === undefined) {
      this.#held ??= this.#hold();
      const { folder } = this.#held;
      this.#file = { folder, ...this.#create(folder) };
    }
    return this.#file;
  }

  [Symbol.dispose](): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) {
      closeSync(file.fd);
      if (!this.#renamed) file.folder.unlink(file.temporary);
    }
    this.#held?.release();
    this.#held = undefined;
  }

  #create(folder: Folder): Pick<OpenFile, 'fd' | 'temporary'> {
    for (let tries = 1; ; tries += 1) {
      const temporary = this.#names.next();
      try {
        return { fd: folder.create(temporary), temporary };
      } catch (error) {
        if (tries >= maxNames || !isTaken(error)) throw error;
      }
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof CofferError && hasErrno(error.cause, 'EEXIST', 'ELOOP');
}

async function writeAll(fd: number, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  try {
    while (done < bytes.byteLength) {
      done += (await writeAsync(fd, bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
    }
  } catch (error) {
    throw fileError(error);
  }
}

const writeAsync = promisify(write);
