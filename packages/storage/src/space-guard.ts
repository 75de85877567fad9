import type { Clock } from '@coffer/core';
import { CofferError, formatSize, GiB, MiB } from '@coffer/core';
import type { Disk, DiskSpace } from './packs/disk.ts';

/** The reserve is never more than this, however large the disk (STORAGE §Order of writes). */
const reserveLimitBytes = GiB;

/** The filesystem is asked again after this time, or this many bytes, whichever comes first. */
const askEveryMs = 250;
const askEveryBytes = 16 * MiB;

export interface SpaceGuardOptions {
  readonly path: string;
  /** Share of the filesystem that uploads leave free, 0.05 for 5 %. */
  readonly reserve: number;
}

/** Refuses uploads while the disk is nearly full, so that removals, logins and downloads go on. */
export class SpaceGuard {
  readonly #options: SpaceGuardOptions;
  readonly #disk: Disk;
  readonly #clock: Clock;
  #asked: { readonly space: DiskSpace; readonly atMs: number } | undefined;
  #bytesSince = 0;

  constructor(options: SpaceGuardOptions, deps: { readonly disk: Disk; readonly clock: Clock }) {
    this.#options = options;
    this.#disk = deps.disk;
    this.#clock = deps.clock;
  }

  /** @throws NO_SPACE when writing `bytes` would touch the reserve */
  async check(bytes: number): Promise<void> {
    const { freeBytes, totalBytes } = await this.#space();
    this.#bytesSince += bytes;
    const reserveBytes = Math.min(reserveLimitBytes, Math.floor(totalBytes * this.#options.reserve));
    if (freeBytes - this.#bytesSince >= reserveBytes) return;
    this.#asked = undefined;
    throw new CofferError('NO_SPACE', `the server has only ${formatSize(freeBytes)} of disk left`, {
      hint: 'Remove something, or free space on the server; uploads go on by themselves then.',
      details: { freeBytes, reserveBytes },
    });
  }

  /** As the filesystem says now. */
  async space(): Promise<DiskSpace & { readonly reserveBytes: number }> {
    const space = await this.#disk.space(this.#options.path);
    return {
      ...space,
      reserveBytes: Math.min(reserveLimitBytes, Math.floor(space.totalBytes * this.#options.reserve)),
    };
  }

  async #space(): Promise<DiskSpace> {
    const now = this.#clock.monotonicMs();
    const asked = this.#asked;
    if (asked && now - asked.atMs < askEveryMs && this.#bytesSince < askEveryBytes) return asked.space;
    const space = await this.#disk.space(this.#options.path);
    this.#asked = { space, atMs: now };
    this.#bytesSince = 0;
    return space;
  }
}
