import { isCofferError } from '@coffer/core';
import { expect, test } from '@jest/globals';
import type { DiskFault } from '../src/testing/index.ts';
import { failingCalls, FaultyDisk, MemoryDisk } from '../src/testing/index.ts';
import type { Facts } from '../src/facts/facts.ts';
import { FaultBench } from './support/fault-bench.ts';

/** Which calls are hit; all of them are asked for in the environment. */
const stride = Number(process.env['COFFER_FAULT_STRIDE'] ?? 11);
const steps = 8;

/** Works until something fails; whatever was acknowledged before must be there after a restart on a sound disk. */
async function work(bench: FaultBench, fault: DiskFault): Promise<{ readonly hit: boolean; readonly failed: number }> {
  const disk = new FaultyDisk(bench.disk, fault);
  let failed = 0;
  {
    await using storage = await bench.start({ disk });
    for (let step = 0; step < steps; step += 1) {
      try {
        await (step === 0 ? bench.workload.begin(storage) : bench.workload.step(storage));
      } catch (error) {
        if (!isCofferError(error)) throw error;
        failed += 1;
        if (bench.workload.acknowledged.length === 0 || bench.fatal.length > 0) break;
      }
    }
  }
  return { hit: disk.hit, failed };
}

async function restartAndVerify(bench: FaultBench): Promise<void> {
  await using storage = await bench.start();
  await bench.workload.verify(storage);
  if (bench.workload.acknowledged.length > 0) await bench.workload.step(storage);
  expect(await bench.check()).toEqual([]);
}

const faults = [
  { kind: 'EIO', calls: ['write'] },
  { kind: 'torn', calls: ['write'] },
  { kind: 'short', calls: ['write'] },
  { kind: 'ENOSPC', calls: ['write', 'create', 'makeFolder'] },
  { kind: 'EIO', calls: ['sync', 'syncFolder'] },
  { kind: 'ENOSPC', calls: ['sync', 'syncFolder'] },
  { kind: 'EIO', calls: ['create', 'makeFolder', 'truncate'] },
] as const satisfies Omit<DiskFault, 'at'>[];

test.each(faults)(
  '$kind in $calls never makes a false acknowledgement',
  async (fault) => {
    for (let at = 1; ; at += stride) {
      await using bench = await FaultBench.open(at);
      const { hit, failed } = await work(bench, { ...fault, at });
      // A full disk is no reason to stop; what fails for good is.
      const survives = fault.kind === 'short' || (fault.kind === 'ENOSPC' && fault.calls[0] === 'write');
      expect(bench.fatal).toHaveLength(hit && !survives ? 1 : 0);
      // A short write is only slow; every other fault that struck was told to somebody.
      expect(failed > 0).toBe(hit && fault.kind !== 'short');
      await restartAndVerify(bench);
      if (!hit) return;
    }
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
