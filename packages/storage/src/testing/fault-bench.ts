import type { Clock } from '@coffer/core';
import { dayMs, secondMs, silentLogger, systemClock } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Facts } from '../facts/facts.ts';
import { SqliteFacts } from '../facts/sqlite-facts.ts';
import type { Collection, Finding } from '../index.ts';
import { checkStorage, Storage } from '../index.ts';
import type { Disk } from '../packs/disk.ts';
import { MemoryDisk } from './memory-disk.ts';
import { StorageWorkload } from './storage-workload.ts';

export interface Snapshot {
  /** Events of the disk up to here. */
  readonly events: number;
  readonly acknowledged: number;
  readonly path: string;
}

export interface OpenOptions {
  readonly disk?: Disk;
  readonly path?: string;
  readonly wrapFacts?: (facts: Facts) => Facts;
  readonly packBytes?: number;
  readonly clock?: Clock;
}

interface BenchWork {
  readonly seed: number;
  /** Chunks per upload that are left to the collection. */
  readonly waste?: number;
}

/** Packs on a disk in memory, databases in a temporary folder, and a client that remembers what it was promised. */
export class FaultBench implements AsyncDisposable {
  readonly disk: MemoryDisk;
  readonly workload: StorageWorkload;
  readonly fatal: unknown[] = [];
  readonly #root: string;
  #snapshots = 0;
  /** How far the clock is ahead. */
  #aheadMs = 0;
  readonly clock: Clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + this.#aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + this.#aheadMs,
  };

  private constructor(root: string, { seed, waste = 0 }: BenchWork) {
    this.#root = root;
    this.disk = new MemoryDisk();
    this.workload = new StorageWorkload({ seed, waste });
  }

  static async open(seed: number, { waste = 0 }: Omit<BenchWork, 'seed'> = {}): Promise<FaultBench> {
    const bench = new FaultBench(await mkdtemp(join(tmpdir(), 'coffer-fault-')), { seed, waste });
    await Storage.init({ path: bench.path, clock: systemClock, random: testRandom(seed) });
    return bench;
  }

  get path(): string {
    return join(this.#root, 'storage');
  }

  async start({
    disk = this.disk,
    path = this.path,
    wrapFacts = (facts) => facts,
    packBytes = 16 * 1024,
    clock = this.clock,
  }: OpenOptions = {}): Promise<Storage> {
    const openFacts = async (file: string): Promise<Facts> =>
      wrapFacts(await SqliteFacts.open(file, { thread: 'same' }));
    const deps = { clock, random: testRandom(99), logger: silentLogger };
    // The packs believe to be in one place, wherever the databases of this start lie.
    const placed = relocate(disk, path, this.path);
    const onFatal = (error: unknown): void => void this.fatal.push(error);
    return Storage.open({ path, packBytes, reserve: 0, ...deps, onFatal, openFacts, disk: placed });
  }

  /** A start on a whole copy of the folder, packs included. */
  async startAt(path: string): Promise<Storage> {
    const openFacts = (file: string): Promise<Facts> => SqliteFacts.open(file, { thread: 'same' });
    const deps = { clock: systemClock, random: testRandom(98), logger: silentLogger, openFacts };
    const onFatal = (error: unknown): void => void this.fatal.push(error);
    return Storage.open({ path, packBytes: 16 * 1024, reserve: 0, ...deps, onFatal });
  }

  /** Two days later: whatever no commit refers to is collected, and packs are compacted. */
  async collect(storage: Storage): Promise<Collection> {
    this.#aheadMs += 2 * dayMs;
    // A start on an older accounts.db finds the clock too far ahead.
    await storage.acceptClock();
    const collection = await storage.collect();
    // What the disk has left is asked anew after a quarter of a second.
    this.#aheadMs += secondMs;
    return collection;
  }

  async check(disk: Disk = this.disk, path: string = this.path): Promise<Finding[]> {
    const findings: Finding[] = [];
    for await (const finding of checkStorage({ path, readData: true, disk: relocate(disk, path, this.path) }))
      findings.push(finding);
    return findings;
  }

  /** The databases as they are now; the storage must be at rest. */
  async snapshot(): Promise<Snapshot> {
    this.#snapshots += 1;
    const path = join(this.#root, `snapshot-${this.#snapshots}`);
    await cp(this.path, path, { recursive: true, filter: (name) => !name.endsWith('-shm') && !name.endsWith('lock') });
    return { events: this.disk.events.length, acknowledged: this.workload.acknowledged.length, path };
  }

  /** A copy of the databases to start from. */
  async fork(snapshot: Snapshot, { index = true }: { readonly index?: boolean } = {}): Promise<string> {
    const path = join(this.#root, 'fork');
    await rm(path, { recursive: true, force: true });
    await cp(snapshot.path, path, { recursive: true });
    if (!index) await this.removeIndex(path);
    return path;
  }

  async removeIndex(path: string = this.path): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) await rm(join(path, `index.db${suffix}`), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** A disk that shows at `from` what lies at `to`. */
export function relocate(disk: Disk, from: string, to: string): Disk {
  const place = (path: string): string => (path.startsWith(from) ? to + path.slice(from.length) : path);
  return {
    open: (path, mode) => disk.open(place(path), mode),
    makeFolder: (path) => disk.makeFolder(place(path)),
    syncFolder: (path) => disk.syncFolder(place(path)),
    size: (path) => disk.size(place(path)),
    list: (path) => disk.list(place(path)),
    remove: (path) => disk.remove(place(path)),
    space: (path) => disk.space(place(path)),
  };
}
