/** A process that works on a storage until it is killed: `node --conditions=source kill-child.ts FOLDER RUN CLIENTS [WASTE]`. */
import { dayMs, isCofferError, silentLogger, systemClock, systemRandom, toHex } from '@coffer/core';
import { writeSync } from 'node:fs';
import { Storage } from '../../src/index.ts';
import { StorageWorkload } from '../../src/testing/index.ts';

const [path = '', run = '0', clients = '1', waste = '0'] = process.argv.slice(2);
let aheadMs = 0;
const started = performance.now();
const storage = await Storage.open({
  path,
  packBytes: 256 * 1024,
  reserve: 0,
  clock: {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  },
  random: systemRandom,
  logger: silentLogger,
  onFatal: (error) => {
    writeSync(2, `fatal ${String(error)}\n`);
    process.exit(1);
  },
});
writeSync(1, `open ${Math.round(performance.now() - started)}\n`);

const work = async (seed: number): Promise<void> => {
  const workload = new StorageWorkload({ seed, run: Number(run), chunkBytes: 20_000, waste: Number(waste) });
  await workload.resume(storage);
  for (;;) {
    // What was uploaded may be collected before its commit comes: the clock of this process runs fast.
    await workload.step(storage).catch(unlessMissing);
    const last = workload.acknowledged.at(-1);
    // Written before anything else happens: what a client was told must be known after the kill.
    if (last) writeSync(1, `ack ${seed} ${last.header.seq} ${toHex(last.hash)}\n`);
  }
};
/** Collects all the time, two days later each time, and reads everything now and then. */
async function tidy(): Promise<void> {
  for (let round = 1; ; round += 1) {
    aheadMs += 2 * dayMs;
    // The process before this one was days ahead when it was killed.
    await storage.acceptClock();
    const { packsCompacted } = await storage.collect();
    if (packsCompacted > 0) writeSync(1, `compacted ${packsCompacted}\n`);
    if (round % 4 === 0) await storage.scrub({ bytesPerSecond: 100_000_000 });
    await systemClock.sleep(5);
  }
}

function unlessMissing(error: unknown): void {
  if (!isCofferError(error, 'MISSING_CHUNKS')) throw error;
}

if (Number(waste) > 0) void tidy();
await Promise.all(Array.from({ length: Number(clients) }, (_, seed) => work(seed + 1)));
