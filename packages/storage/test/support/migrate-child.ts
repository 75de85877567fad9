/**
 * Opens one storage after the other, so that whoever kills this process meets it while it brings an older one up to date.
 *
 *   node migrate-child.ts STORAGE…
 *
 * Prints `opening N` before and `opened N` after each.
 */
import { writeSync } from 'node:fs';
import { silentLogger, systemClock, systemRandom } from '@coffer/core';
import { SqliteFacts } from '../../src/facts/sqlite-facts.ts';
import { Storage } from '../../src/index.ts';

const onFatal = (error: unknown): void => {
  throw error;
};

for (const [number, path] of process.argv.slice(2).entries()) {
  writeSync(1, `opening ${number}\n`);
  const openFacts = (file: string): Promise<SqliteFacts> => SqliteFacts.open(file, { thread: 'same' });
  const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, onFatal, openFacts };
  const storage = await Storage.open({ path, packBytes: 4096, reserve: 0, ...deps });
  writeSync(1, `opened ${number}\n`);
  await storage[Symbol.asyncDispose]();
}
