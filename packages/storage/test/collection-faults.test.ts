import { isCofferError } from '@coffer/core';
import { expect, test } from '@jest/globals';
import type { Facts } from '../src/facts/facts.ts';
import type { DiskFault } from '../src/testing/index.ts';
import { failingCalls, FaultyDisk } from '../src/testing/index.ts';
import { FaultBench } from '../src/testing/fault-bench.ts';

/** Which calls are hit; all of them are asked for in the environment. */
const stride = Number(process.env['COFFER_FAULT_STRIDE'] ?? 7);

/** Uploads, then collects while more is uploaded; only the collection has a failing disk. */
async function work(bench: FaultBench, fault: DiskFault): Promise<{ readonly hit: boolean; readonly failed: boolean }> {
  let armed = false;
  const faulty = new FaultyDisk(bench.disk, fault);
  const disk = {
    open: (...args: Parameters<FaultyDisk['open']>) => (armed ? faulty : bench.disk).open(...args),
    makeFolder: (path: string) => (armed ? faulty : bench.disk).makeFolder(path),
    syncFolder: (path: string) => (armed ? faulty : bench.disk).syncFolder(path),
    size: (path: string) => bench.disk.size(path),
    list: (path: string) => bench.disk.list(path),
    remove: (path: string) => (armed ? faulty : bench.disk).remove(path),
    space: () => bench.disk.space(),
  };
  let failed = false;
  await using storage = await bench.start({ disk });
  await bench.workload.begin(storage);
  for (let step = 0; step < 8; step += 1) await bench.workload.step(storage);
  armed = true;
  try {
    await bench.collect(storage);
    await bench.workload.step(storage);
    await bench.collect(storage);
  } catch (error) {
    if (!isCofferError(error)) throw error;
    failed = true;
  }
  return { hit: faulty.hit, failed };
}

async function restartAndVerify(bench: FaultBench): Promise<void> {
  await using storage = await bench.start();
  await bench.workload.verify(storage);
  await bench.collect(storage);
  await bench.workload.step(storage);
  await bench.workload.verify(storage);
  expect(await bench.check()).toEqual([]);
}

const faults = [
  { kind: 'EIO', calls: ['write'] },
  { kind: 'torn', calls: ['write'] },
  { kind: 'short', calls: ['write'] },
  { kind: 'ENOSPC', calls: ['write', 'create'] },
  { kind: 'EIO', calls: ['sync', 'syncFolder'] },
  { kind: 'EIO', calls: ['create', 'remove', 'truncate'] },
  { kind: 'EIO', calls: ['read'] },
] as const satisfies Omit<DiskFault, 'at'>[];

test.each(faults)(
  '$kind in $calls during a collection loses nothing',
  async (fault) => {
    for (let at = 1; ; at += stride) {
      await using bench = await FaultBench.open(at, { waste: 8 });
      const { hit } = await work(bench, { ...fault, at });
      // A full disk and an unreadable place are no reason to stop; what fails for good is.
      const survives = fault.kind === 'short' || fault.kind === 'ENOSPC' || fault.calls[0] === 'read';
      expect(bench.fatal).toHaveLength(hit && !survives ? 1 : 0);
      await restartAndVerify(bench);
      if (!hit) return;
    }
  },
  1_800_000,
);

const changes = ['sweepChunks', 'indexChunks', 'forgetPack', 'checkpoint', 'collectSegments'] as const;

test.each(changes.flatMap((method) => [false, true].map((afterwards) => [method, afterwards] as const)))(
  'a failing %s of the index (afterwards: %s) ends the storage, and a restart goes on',
  async (method, afterwards) => {
    for (let at = 1; at < 30; at += 3 * stride) {
      await using bench = await FaultBench.open(at, { waste: 8 });
      {
        await using storage = await bench.start();
        await bench.workload.begin(storage);
        for (let step = 0; step < 8; step += 1) await bench.workload.step(storage);
      }
      const wrapFacts = (facts: Facts): Facts => failingCalls(facts, { methods: [method], at, code: 'IO', afterwards });
      {
        await using storage = await bench.start({ wrapFacts });
        const failure = await bench.collect(storage).then(
          () => undefined,
          (error: unknown) => error,
        );
        // A call that the collection does not get to make fails nothing.
        expect(failure === undefined || isCofferError(failure, 'IO')).toBe(true);
      }
      await restartAndVerify(bench);
    }
  },
  300_000,
);

test('a full disk is given room again by a collection', async () => {
  await using bench = await FaultBench.open(3, { waste: 12 });
  await using storage = await bench.start();
  await bench.workload.begin(storage);
  for (let step = 0; step < 20; step += 1) await bench.workload.step(storage);
  // Room for what little is left of one pack: its removal makes room for the next.
  bench.disk.totalBytes = bench.disk.usedBytes + 4000;
  const before = bench.disk.usedBytes;
  const { bytesFreed, bytesCopied } = await bench.collect(storage);
  expect(bytesFreed).toBeGreaterThan(0);
  expect(bytesFreed).toBeGreaterThan(bytesCopied);
  expect(bench.disk.usedBytes).toBeLessThan(before);
  await bench.workload.step(storage);
  await bench.workload.verify(storage);
  expect(await bench.check()).toEqual([]);
  expect(bench.fatal).toEqual([]);
});
