/** A process that works on a storage until it is killed: `node --conditions=source kill-child.ts FOLDER RUN CLIENTS`. */
import { silentLogger, systemClock, systemRandom, toHex } from '@coffer/core';
import { writeSync } from 'node:fs';
import { Storage } from '../../src/index.ts';
import { StorageWorkload } from '../../src/testing/index.ts';

const [path = '', run = '0', clients = '1'] = process.argv.slice(2);
const started = performance.now();
const storage = await Storage.open({
  path,
  packBytes: 256 * 1024,
  reserve: 0,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  onFatal: (error) => {
    writeSync(2, `fatal ${String(error)}\n`);
    process.exit(1);
  },
});
writeSync(1, `open ${Math.round(performance.now() - started)}\n`);

const work = async (seed: number): Promise<void> => {
  const workload = new StorageWorkload({ seed, run: Number(run), chunkBytes: 20_000 });
  await workload.resume(storage);
  for (;;) {
    await workload.step(storage);
    const last = workload.acknowledged.at(-1);
    // Written before anything else happens: what a client was told must be known after the kill.
    if (last) writeSync(1, `ack ${seed} ${last.header.seq} ${toHex(last.hash)}\n`);
  }
};
await Promise.all(Array.from({ length: Number(clients) }, (_, seed) => work(seed + 1)));
