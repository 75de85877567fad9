import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { TemporaryFolder } from '../../src/index.ts';

const run = promisify(execFile);
const KiB = 1024;

/** A filesystem in memory of its own size, which something else than Coffer fills as well. Needs Linux and root. */
export class SmallFilesystem implements AsyncDisposable {
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
  }

  /** @throws Error with what `mount` says when this user may not */
  static async mount(bytes: number): Promise<SmallFilesystem> {
    await using building = new AsyncDisposableStack();
    const folder = building.use(await TemporaryFolder.open({ prefix: 'coffer-small-' }));
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'coffer-small', folder.path]);
    building.move();
    return new SmallFilesystem(folder);
  }

  /** A path on it; nothing is made. */
  join(name: string): string {
    return this.#folder.join(name);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder.path);
    return bavail * bsize;
  }

  /** Takes up room until only `leaveBytes` are left; with 0 no byte fits any more, until {@link makeRoom}. */
  fill(leaveBytes: number): void {
    const file = openSync(this.join('filler'), 'a');
    try {
      while (this.freeBytes > leaveBytes) {
        const step = Math.min(256 * KiB, this.freeBytes - leaveBytes);
        if (!appended(file, step)) return;
      }
    } finally {
      closeSync(file);
    }
  }

  /** What {@link fill} took is free again. */
  makeRoom(): void {
    rmSync(this.join('filler'), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', [this.#folder.path]);
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Why no filesystem can be mounted here; undefined when one can. */
export async function whyNoMount(): Promise<string | undefined> {
  try {
    await using _filesystem = await SmallFilesystem.mount(64 * KiB);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

function appended(file: number, bytes: number): boolean {
  try {
    return writeSync(file, new Uint8Array(bytes)) > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
