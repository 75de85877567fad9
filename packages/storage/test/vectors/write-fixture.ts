/**
 * Writes the fixture of the present format: `tsx --conditions=source packages/storage/test/vectors/write-fixture.ts`.
 * A fixture is written once for each released format and never changed: whatever it holds must stay readable for ever.
 */
import { silentLogger, systemClock } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Storage } from '../../src/index.ts';
import { StorageWorkload } from '../../src/testing/index.ts';

const path = join(fileURLToPath(new URL('../fixtures', import.meta.url)), 'format-1');
await rm(path, { recursive: true, force: true });
const deps = { clock: { ...systemClock, nowMs: () => 1_700_000_000_000 }, random: testRandom(1), logger: silentLogger };
await Storage.init({ path, ...deps });
const onFatal = (error: unknown): void => {
  throw error;
};
const storage = await Storage.open({ path, packBytes: 4096, reserve: 0, ...deps, onFatal });
const workload = new StorageWorkload({ seed: 1, chunkBytes: 400 });
await workload.begin(storage);
for (let step = 0; step < 12; step += 1) await workload.step(storage);
await storage[Symbol.asyncDispose]();
await rm(join(path, 'lock'));
