import { isCofferError, MiB, systemClock } from '@coffer/core';
import { expect, test } from '@jest/globals';
import {
  diskFaults,
  failingCalls,
  FaultBench,
  FaultyDisk,
  MemoryDisk,
  playDiskFault,
  restartAndVerify,
} from '../src/testing/index.ts';
import type { Facts } from '../src/facts/facts.ts';

/** Which calls are hit; `npm run faults -- disk-error` hits all. */
const stride = 11;

test.each(diskFaults)(
  '$kind in $calls never makes a false acknowledgement',
  async (fault) => {
    let hits = 0;
    for (let at = 1; await playDiskFault({ ...fault, at }, 8); at += stride) hits += 1;
    expect(hits).toBeGreaterThan(0);
  },
  1_800_000,
);

test.each([
  ['applyAppend', false],
  ['applyAppend', true],
  ['indexChunks', false],
] as const)(
  'a failing %s of the index ends the storage',
  async (method, afterwards) => {
    await using bench = await FaultBench.open(5);
    const wrapFacts = (facts: Facts): Facts =>
      failingCalls(facts, { methods: [method], at: 4, code: 'IO', afterwards });
    {
      await using storage = await bench.start({ wrapFacts });
      await bench.workload.begin(storage);
      const run = async (): Promise<void> => {
        for (let step = 0; step < 8; step += 1) await bench.workload.step(storage);
      };
      await expect(run()).rejects.toMatchObject({ code: 'IO' });
      expect(bench.fatal).toHaveLength(1);
      expect(await storage.status()).toMatchObject({ ready: false });
      await expect(bench.workload.step(storage)).rejects.toMatchObject({ code: 'IO' });
    }
    await restartAndVerify(bench);
  },
  60_000,
);

test('a full disk refuses uploads, lets removals through, and recovers by itself', async () => {
  await using bench = await FaultBench.open(6);
  await using storage = await bench.start();
  await bench.workload.begin(storage);
  for (let step = 0; step < 3; step += 1) await bench.workload.step(storage);
  for (let cycle = 0; cycle < 20; cycle += 1) {
    bench.disk.totalBytes = bench.disk.usedBytes + 500;
    // Told of too late, every other time.
    bench.disk.takenBytes = cycle % 2 === 0 ? MiB : 0;
    let refused = 0;
    for (let step = 0; step < 6; step += 1) {
      await bench.workload.step(storage).catch((error: unknown) => {
        if (!isCofferError(error, 'NO_SPACE')) throw error;
        refused += 1;
      });
    }
    expect(refused).toBeGreaterThan(0);
    await bench.workload.verify(storage);
    bench.disk.totalBytes = Number.MAX_SAFE_INTEGER;
    await bench.workload.step(storage);
  }
  expect(bench.fatal).toEqual([]);
  await bench.workload.verify(storage);
  expect(await bench.check()).toEqual([]);
}, 60_000);

test('a disk on which the index could not follow is written nothing that it must', async () => {
  await using bench = await FaultBench.open(9);
  await using storage = await bench.start();
  await bench.workload.begin(storage);
  await bench.workload.step(storage);
  // The removal would fit, and what the index needs for it would not.
  bench.disk.totalBytes = bench.disk.usedBytes + 4000;
  const before = bench.disk.usedBytes;
  const journal = bench.disk.files.filter((path) => path.includes('/journal/'));
  const sizes = journal.map((path) => bench.disk.content(path).byteLength);
  await expect(bench.workload.stepTooFar(storage, 1000)).resolves.toHaveLength(2);
  expect(journal.map((path) => bench.disk.content(path).byteLength)).toEqual(sizes);
  expect(bench.disk.usedBytes).toBe(before);
  bench.disk.totalBytes = Number.MAX_SAFE_INTEGER;
  await bench.workload.step(storage);
  expect(bench.fatal).toEqual([]);
}, 60_000);

test('an upload that lost its records to a full disk does not finish', async () => {
  await using bench = await FaultBench.open(7);
  await using storage = await bench.start();
  await bench.workload.begin(storage);
  const upload = { vault: bench.workload.vault.id, uploader: bench.workload.account, kind: 'chunk' } as const;
  const writer = await storage.putChunks(upload);
  const other = await storage.putChunks(upload);
  await other.put(new Uint8Array(32).fill(1), new Uint8Array(10));
  bench.disk.totalBytes = bench.disk.usedBytes + 100;
  await writer.put(new Uint8Array(32).fill(2), new Uint8Array(5000));
  await expect(writer.finish()).rejects.toMatchObject({ code: 'NO_SPACE' });
  await expect(other.finish()).rejects.toMatchObject({ code: 'NO_SPACE' });
  bench.disk.totalBytes = Number.MAX_SAFE_INTEGER;
  const again = await storage.putChunks(upload);
  await again.put(new Uint8Array(32).fill(2), new Uint8Array(5000));
  expect(await again.finish()).toMatchObject({ stored: 1 });
  const ids = new Uint8Array(64).fill(1, 0, 32).fill(2, 32);
  expect(await storage.presentChunks({ ...upload, ids })).toEqual(Uint8Array.of(2));
  expect(bench.fatal).toEqual([]);
});

test('a memory disk that is full takes what fits', async () => {
  const disk = new MemoryDisk({ totalBytes: 10 });
  const file = await disk.open('/file', 'create');
  expect(await file.write([new Uint8Array(8)], 0)).toBe(8);
  expect(await file.write([new Uint8Array(8)], 8)).toBe(2);
  await expect(file.write([new Uint8Array(8)], 10)).rejects.toMatchObject({ code: 'ENOSPC' });
});

test('a write that failed while nobody waited for it ends the storage with the next record', async () => {
  await using bench = await FaultBench.open(8);
  {
    await using storage = await bench.start();
    await bench.workload.begin(storage);
  }
  const disk = new FaultyDisk(bench.disk, { kind: 'EIO', calls: ['write'], at: 1 });
  await using storage = await bench.start({ disk });
  const upload = { vault: bench.workload.vault.id, uploader: bench.workload.account, kind: 'chunk' } as const;
  const writer = await storage.putChunks(upload);
  await writer.put(new Uint8Array(32).fill(1), new Uint8Array(1000));
  while (!disk.hit) await systemClock.sleep(1);
  await expect(writer.put(new Uint8Array(32).fill(2), new Uint8Array(1000))).rejects.toMatchObject({ code: 'IO' });
  expect(bench.fatal).toHaveLength(1);
});
