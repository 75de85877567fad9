import { isCofferError, randomUnit } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { AssertionError } from 'node:assert';
import type { Facts } from '../src/facts/facts.ts';
import type { Disk } from '../src/packs/disk.ts';
import { FaultBench } from '../src/testing/fault-bench.ts';
import type { Snapshot } from '../src/testing/fault-bench.ts';
import type { SkipFlush } from './support/without-flushes.ts';
import { withoutFlushes } from './support/without-flushes.ts';

/** States played; a longer run is asked for in the environment. */
const states = Number(process.env['COFFER_POWER_CUTS'] ?? 40);

interface Recorded {
  readonly snapshots: readonly Snapshot[];
  readonly bytesFreed: number;
}

/** Uploads with much waste, collected every few steps; a snapshot of the databases after every step and every checkpoint. */
async function record(bench: FaultBench, steps: number, disk: (collecting: () => boolean) => Disk): Promise<Recorded> {
  const snapshots: Snapshot[] = [];
  let collecting = false;
  const wrapFacts = (facts: Facts): Facts => {
    const checkpoint: Facts['checkpoint'] = async () => {
      const complete = await facts.checkpoint();
      if (snapshots.length > 0) snapshots.push(await bench.snapshot());
      return complete;
    };
    return new Proxy(facts, {
      get: (target, name) => {
        const value: unknown = name === 'checkpoint' ? checkpoint : Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  let bytesFreed = 0;
  await using storage = await bench.start({ disk: disk(() => collecting), wrapFacts });
  await bench.workload.begin(storage);
  for (let step = 0; step < steps; step += 1) {
    snapshots.push(await bench.snapshot());
    await bench.workload.step(storage);
    if (step % 4 !== 3) continue;
    collecting = true;
    bytesFreed += (await bench.collect(storage)).bytesFreed;
    collecting = false;
  }
  snapshots.push(await bench.snapshot());
  return { snapshots, bytesFreed };
}

/** What was promised before the power went, seen from a disk and an index as they may be found afterwards. */
async function playCut(bench: FaultBench, { snapshots }: Recorded, seed: number): Promise<void> {
  const random = testRandom(seed);
  const first = snapshots[0]?.events ?? 0;
  const events = first + Math.floor(randomUnit(random) * (bench.disk.events.length - first + 1));
  const before = snapshots.filter((snapshot) => snapshot.events <= events);
  const promised = before.at(-1)?.acknowledged ?? 0;
  // Also one from before the last removal of a pack: its copies are met again.
  const found = before[Math.max(0, before.length - 1 - Math.floor(randomUnit(random) * 6))];
  if (!found) throw new TypeError('no snapshot');
  const disk = bench.disk.afterPowerCut(random, events);
  const index = randomUnit(random) > 0.1;
  const path = await bench.fork(found, { index });
  await using storage = await bench.start({ disk, path });
  await bench.workload.verify(storage, promised);
  await bench.collect(storage);
  await bench.workload.verify(storage, promised);
  const findings = await bench.check(disk, path);
  expect(findings.filter(({ kind }) => index || (kind !== 'record' && kind !== 'pack'))).toEqual([]);
}

test('no power cut during a collection loses what was acknowledged', async () => {
  await using bench = await FaultBench.open(1, { waste: 8 });
  const recorded = await record(bench, 16, () => bench.disk);
  expect(recorded.bytesFreed).toBeGreaterThan(50_000);
  for (let seed = 0; seed < states; seed += 1) await playCut(bench, recorded, seed);
}, 3_600_000);

/** Every flush that a compaction makes, by what it flushes. */
const flushes: readonly (readonly [string, SkipFlush])[] = [
  ['the copies', (call, path) => call === 'sync' && path.includes('/chunks/')],
  ['the name of the pack with the copies', (call, path) => call === 'syncFolder' && path.endsWith('/chunks')],
];

test.each(flushes)(
  'without the flush of %s some power cut during a collection loses what was acknowledged',
  async (_name, skips) => {
    await using bench = await FaultBench.open(2, { waste: 8 });
    const recorded = await record(bench, 12, (collecting) =>
      withoutFlushes(bench.disk, (call, path) => collecting() && skips(call, path)),
    );
    let lost = 0;
    for (let seed = 0; seed < 300 && lost === 0; seed += 1) {
      lost += await playCut(bench, recorded, seed).then(
        () => 0,
        (error: unknown) => (isLoss(error) ? 1 : Promise.reject(error as Error)),
      );
    }
    expect(lost).toBe(1);
  },
  600_000,
);

test.each([
  ['stays removed, because its folder is flushed', false],
  ['may be there again without that flush', true],
])('what was removed %s', async (_name, skipped) => {
  await using bench = await FaultBench.open(3, { waste: 8 });
  await record(bench, 8, (collecting) =>
    withoutFlushes(
      bench.disk,
      (call, path) => skipped && collecting() && call === 'syncFolder' && path.endsWith('/chunks'),
    ),
  );
  const removed = bench.disk.events.flatMap((event) => (event.type === 'remove' ? [event.path] : []));
  expect(removed.length).toBeGreaterThan(2);
  const found = Array.from({ length: 20 }, (_, seed) => new Set(bench.disk.afterPowerCut(testRandom(seed)).files));
  expect(found.some((files) => removed.some((path) => files.has(path)))).toBe(skipped);
});

function isLoss(error: unknown): boolean {
  return error instanceof AssertionError || isCofferError(error);
}
