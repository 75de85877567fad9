import { join } from 'node:path';
import type { Disk } from './packs/disk.ts';
import { diskErrorCode } from './packs/disk.ts';

/** What one write of the filling holds in memory. */
const stepBytes = 256 * 1024;

/**
 * A file that only takes up room. When a disk is full to the brim, because of something else on it, removals still need
 * a few kilobytes to be written down: they get them from here.
 */
export class Ballast {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #folder: string;
  #bytes: number | undefined;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
    this.#path = join(folder, 'ballast');
  }

  /** Room it takes up now. */
  async bytes(): Promise<number> {
    return (this.#bytes ??= await this.#disk.size(this.#path).catch(zeroWhenMissing));
  }

  /** Takes up `bytes`, as far as there is room. */
  async fill(bytes: number): Promise<void> {
    const file = await this.#open();
    const zeros = new Uint8Array(stepBytes);
    try {
      let filled = Math.min(bytes, await file.size());
      while (filled < bytes) {
        filled += await file.write([zeros.subarray(0, Math.min(stepBytes, bytes - filled))], filled);
        this.#bytes = filled;
      }
      await file.truncate(bytes);
      this.#bytes = bytes;
    } finally {
      await file.close();
    }
  }

  /** Gives the room back. True when there was any. */
  async release(): Promise<boolean> {
    if ((await this.bytes()) === 0) return false;
    const file = await this.#open();
    try {
      await file.truncate(0);
    } finally {
      await file.close();
    }
    this.#bytes = 0;
    return true;
  }

  async #open(): ReturnType<Disk['open']> {
    try {
      return await this.#disk.open(this.#path, 'write');
    } catch (error) {
      if (diskErrorCode(error) !== 'ENOENT') throw error;
      await this.#disk.makeFolder(this.#folder);
      return this.#disk.open(this.#path, 'create');
    }
  }
}

function zeroWhenMissing(error: unknown): number {
  if (diskErrorCode(error) === 'ENOENT') return 0;
  throw error;
}
