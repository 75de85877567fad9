import { isCofferError } from '@coffer/core';
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { FaultBench } from './fault-bench.ts';
import type { Storage } from '../storage.ts';
import type { DiskFault } from './faulty-disk.ts';
import { FaultyDisk } from './faulty-disk.ts';

/** Every way in which a call of a disk is made to fail. */
export const diskFaults = [
  { kind: 'EIO', calls: ['write'] },
  { kind: 'torn', calls: ['write'] },
  { kind: 'short', calls: ['write'] },
  { kind: 'ENOSPC', calls: ['write', 'create', 'makeFolder'] },
  { kind: 'EIO', calls: ['sync', 'syncFolder'] },
  { kind: 'ENOSPC', calls: ['sync', 'syncFolder'] },
  { kind: 'EIO', calls: ['create', 'makeFolder', 'truncate'] },
] as const satisfies Omit<DiskFault, 'at'>[];

/**
 * A storage at work whose disk fails at one call: what fails for good ends it, nothing is acknowledged falsely, and a
 * start on a sound disk finds everything and goes on. Resolves to false when there were fewer calls than that.
 * @throws AssertionError
 */
export async function playDiskFault(fault: DiskFault, steps: number): Promise<boolean> {
  await using bench = await FaultBench.open(fault.at);
  const { hit, failed } = await work(bench, fault, steps);
  // A full disk is no reason to stop; what fails for good is.
  const survives = fault.kind === 'short' || (fault.kind === 'ENOSPC' && fault.calls[0] === 'write');
  equal(bench.fatal.length, hit && !survives ? 1 : 0);
  // A short write is only slow; every other fault that struck was told to somebody.
  equal(failed > 0, hit && fault.kind !== 'short');
  await restartAndVerify(bench);
  return hit;
}

/** A start on a sound disk finds everything that was acknowledged, and work goes on. @throws AssertionError */
export async function restartAndVerify(bench: FaultBench): Promise<void> {
  await using storage = await bench.start();
  await bench.workload.verify(storage);
  if (bench.workload.acknowledged.length > 0) await bench.workload.step(storage);
  deepEqual(await bench.check(), []);
}

/** Works until something fails. */
async function work(bench: FaultBench, fault: DiskFault, steps: number): Promise<{ hit: boolean; failed: number }> {
  const disk = new FaultyDisk(bench.disk, fault);
  let failed = 0;
  await using storage = await bench.start({ disk });
  for (let step = 0; step < steps; step += 1) {
    try {
      await (step === 0 ? bench.workload.begin(storage) : bench.workload.step(storage));
    } catch (error) {
      if (!isCofferError(error)) throw error;
      failed += 1;
      if (bench.fatal.length > 0) await acknowledgesNothing(bench, storage);
      if (bench.workload.acknowledged.length === 0 || bench.fatal.length > 0) break;
    }
  }
  return { hit: disk.hit, failed };
}

/** What failed for good has failed for everybody and at once, not only for whoever met it. */
async function acknowledgesNothing({ workload }: FaultBench, storage: Storage): Promise<void> {
  if (workload.acknowledged.length > 0) await rejects(workload.step(storage), { code: 'IO' });
}
