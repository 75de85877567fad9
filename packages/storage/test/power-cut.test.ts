import { isCofferError, randomUnit } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { AssertionError } from 'node:assert';
import type { Disk } from '../src/packs/disk.ts';
import type { MemoryDisk } from '../src/testing/index.ts';
import { FaultBench } from './support/fault-bench.ts';
import type { Snapshot } from './support/fault-bench.ts';

/** States played; a longer run is asked for in the environment. */
const states = Number(process.env['COFFER_POWER_CUTS'] ?? 40);

/** A run of the workload with a snapshot of the databases after every step. */
async function record(bench: FaultBench, steps: number, disk: Disk = bench.disk): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  await using storage = await bench.start({ disk });
  await bench.workload.begin(storage);
  for (let step = 0; step < steps; step += 1) {
    snapshots.push(await bench.snapshot());
    await bench.workload.step(storage);
  }
  snapshots.push(await bench.snapshot());
  return snapshots;
}

/** What was promised before the power went, seen from a disk as it may be found afterwards. */
async function playCut(bench: FaultBench, snapshots: readonly Snapshot[], seed: number): Promise<void> {
  const random = testRandom(seed);
  const first = snapshots[0]?.events ?? 0;
  const events = first + Math.floor(randomUnit(random) * (bench.disk.events.length - first + 1));
  const before = snapshots.filter((snapshot) => snapshot.events <= events);
  const promised = before.at(-1)?.acknowledged ?? 0;
  // The index is not synced with every commit: it may be older than the packs, or gone.
  const found = before[Math.max(0, before.length - 1 - Math.floor(randomUnit(random) * 4))];
  if (!found) throw new TypeError('no snapshot');
  const disk: MemoryDisk = bench.disk.afterPowerCut(random, events);
  const index = randomUnit(random) > 0.1;
  const path = await bench.fork(found, { index });
  await using storage = await bench.start({ disk, path });
  await bench.workload.verify(storage, promised);
  // With a new index nobody can tell what was torn from what is damaged: the places are left alone and reported.
  const findings = await bench.check(disk, path);
  expect(findings.filter(({ kind }) => index || (kind !== 'record' && kind !== 'pack'))).toEqual([]);
}

test('no power cut loses what was acknowledged', async () => {
  await using bench = await FaultBench.open(1);
  const snapshots = await record(bench, 20);
  expect(snapshots.length).toBeGreaterThan(10);
  for (let seed = 0; seed < states; seed += 1) await playCut(bench, snapshots, seed);
}, 600_000);

/** Every flush that the code makes, by what it flushes. */
const flushes: readonly (readonly [string, (call: 'sync' | 'syncFolder', path: string) => boolean])[] = [
  ['chunk packs', (call, path) => call === 'sync' && path.includes('/chunks/')],
  ['journal packs', (call, path) => call === 'sync' && path.includes('/journal/')],
  ['the folder of packs', (_call, path) => /\/(chunks|journal)$/.test(path)],
  ['the folder of an account', (_call, path) => /\/users\/[0-9a-f]{32}$/.test(path)],
  ['the folder of all accounts', (_call, path) => path.endsWith('/users')],
  ['the folder of the storage', (_call, path) => path.endsWith('/storage')],
];

test.each(flushes)(
  'without the flush of %s some power cut loses what was acknowledged',
  async (_name, skips) => {
    await using bench = await FaultBench.open(2);
    const snapshots = await record(bench, 8, without(bench.disk, skips));
    let lost = 0;
    for (let seed = 0; seed < 200 && lost === 0; seed += 1) {
      lost += await playCut(bench, snapshots, seed).then(
        () => 0,
        (error: unknown) => (isLoss(error) ? 1 : Promise.reject(error as Error)),
      );
    }
    expect(lost).toBe(1);
  },
  600_000,
);

function isLoss(error: unknown): boolean {
  return error instanceof AssertionError || isCofferError(error);
}

/** A disk that only pretends to flush some things. */
function without(disk: MemoryDisk, skips: (typeof flushes)[number][1]): Disk {
  const syncFolder = async (path: string): Promise<void> => {
    if (!skips('syncFolder', path)) await disk.syncFolder(path);
  };
  return {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return skips('sync', path) ? { ...file, sync: async () => undefined } : file;
    },
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder,
    size: (path) => disk.size(path),
    list: (path) => disk.list(path),
    remove: (path) => disk.remove(path),
    space: () => disk.space(),
  };
}
