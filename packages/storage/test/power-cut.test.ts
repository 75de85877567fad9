import { randomUnit } from '@coffer/core';
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

test.each(['sync', 'syncFolder'] as const)(
  'without %s some power cut loses what was acknowledged',
  async (call) => {
    await using bench = await FaultBench.open(2);
    const snapshots = await record(bench, 15, without(bench.disk, call));
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
  return error instanceof AssertionError || (error instanceof Error && error.name === 'CofferError') || false;
}

function without(disk: MemoryDisk, call: 'sync' | 'syncFolder'): Disk {
  const lazy = async (): Promise<void> => undefined;
  return {
    open: async (path, mode) => ({ ...(await disk.open(path, mode)), ...(call === 'sync' ? { sync: lazy } : {}) }),
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: call === 'syncFolder' ? lazy : (path) => disk.syncFolder(path),
    size: (path) => disk.size(path),
    list: (path) => disk.list(path),
    remove: (path) => disk.remove(path),
    space: () => disk.space(),
  };
}
