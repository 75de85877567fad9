import type { Clock } from '@coffer/core';
import { CofferError, formatSize, GiB, MiB } from '@coffer/core';
import { Ballast } from './ballast.ts';
import type { Disk, DiskSpace } from './packs/disk.ts';

/** The reserve is never more than this, however large the disk (STORAGE §Order of writes). */
const reserveLimitBytes = GiB;

/** Enough for a thousand removals and what the index needs for them. */
const ballastLimitBytes = 4 * MiB;
const ballastShareOfReserve = 0.25;

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
  readonly #ballast: Ballast;
  #asked: { readonly space: DiskSpace; readonly atMs: number } | undefined;
  #bytesSince = 0;
  #tending: Promise<void> | undefined;

  constructor(options: SpaceGuardOptions, deps: { readonly disk: Disk; readonly clock: Clock }) {
    this.#options = options;
    this.#disk = deps.disk;
    this.#clock = deps.clock;
    this.#ballast = new Ballast(deps.disk, options.path);
  }

  /** @throws NO_SPACE when writing `bytes` would touch the reserve */
  async check(bytes: number): Promise<void> {
    const space = await this.#space();
    const { freeBytes } = space;
    const reserveBytes = this.#reserveOf(space);
    if (freeBytes - this.#bytesSince - bytes >= reserveBytes) {
      this.#bytesSince += bytes;
      return;
    }
    this.#asked = undefined;
    throw new CofferError('NO_SPACE', `the server has only ${formatSize(freeBytes)} of disk left`, {
      hint: 'Remove something, or free space on the server; uploads go on by themselves then.',
      details: { freeBytes, reserveBytes },
    });
  }

  /** Makes sure of `bytes` of room, also with what was set aside. @throws NO_SPACE when there is no more */
  async secure(bytes: number): Promise<void> {
    for (;;) {
      // Not what it said a while ago: the process ends when there is none.
      const { freeBytes } = await this.space();
      if (freeBytes >= bytes) return;
      if (await this.makeRoom()) continue;
      throw new CofferError('NO_SPACE', `the server has only ${formatSize(freeBytes)} of disk left`, {
        hint: 'Free space on the server: not even a removal can be written down.',
        details: { freeBytes },
      });
    }
  }

  /**
   * To be called before small writes that must succeed: sets some room aside while there is plenty, and gives it away
   * when there is none.
   */
  async tend(): Promise<void> {
    await (this.#tending ??= this.#tend().finally(() => {
      this.#tending = undefined;
    }));
  }

  /** A write found no room: makes some. True when it may be tried again. */
  async makeRoom(): Promise<boolean> {
    await this.#tending;
    this.#asked = undefined;
    return this.#ballast.release();
  }

  /** As the filesystem says now. */
  async space(): Promise<DiskSpace & { readonly reserveBytes: number }> {
    const space = await this.#disk.space(this.#options.path);
    return { ...space, reserveBytes: this.#reserveOf(space) };
  }

  async #tend(): Promise<void> {
    const space = await this.#space();
    const reserveBytes = this.#reserveOf(space);
    const wantedBytes = Math.min(ballastLimitBytes, Math.floor(reserveBytes * ballastShareOfReserve));
    if (space.freeBytes < wantedBytes) await this.#ballast.release();
    else if (space.freeBytes > reserveBytes + wantedBytes && (await this.#ballast.bytes()) < wantedBytes)
      await this.#ballast.fill(wantedBytes);
  }

  #reserveOf({ totalBytes }: DiskSpace): number {
    return Math.min(reserveLimitBytes, Math.floor(totalBytes * this.#options.reserve));
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
