/** A process that collects what a storage holds and prints what that took: `node --conditions=source collection-memory-child.ts FOLDER`. */
import { secondMs, systemClock } from '@coffer/core';
import { setFlagsFromString } from 'node:v8';
import { storageOptions } from '../../bench/collection/fill.ts';
import { Storage } from '../../src/index.ts';

/** As `serve` runs it. */
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=50');

const [path = ''] = process.argv.slice(2);
const fail = (error: unknown): never => {
  throw new Error('the storage failed', { cause: error });
};
await using storage = await Storage.open(storageOptions(path, systemClock, fail));
await storage.acceptClock();
await systemClock.sleep(secondMs);
const idleBytes = process.memoryUsage.rss();
let peakBytes = idleBytes;
const look = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss())), 5);
const { chunks } = await storage.collect();
await storage.recount();
clearInterval(look);
console.log(JSON.stringify({ chunks, moreBytes: peakBytes - idleBytes }));
