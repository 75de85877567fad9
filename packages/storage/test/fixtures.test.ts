import { silentLogger, systemClock, systemRandom } from '@coffer/core';
import { expect, test } from '@jest/globals';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { checkStorage, Storage } from '../src/index.ts';
import { StorageWorkload } from '../src/testing/index.ts';
import { collect } from './support/client.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

const fixture = fileURLToPath(new URL('./fixtures/format-1', import.meta.url));

test.each([true, false])('a storage of format 1 is readable, with its index: %s', async (index) => {
  await withTemporaryFolder(async (folder) => {
    const path = join(folder, 'storage');
    await cp(fixture, path, { recursive: true });
    if (!index) await rm(join(path, 'index.db'));
    const deps = { clock: systemClock, random: systemRandom, logger: silentLogger };
    const fatal: unknown[] = [];
    const onFatal = (error: unknown): void => void fatal.push(error);
    {
      const openFacts = (file: string): Promise<SqliteFacts> => SqliteFacts.open(file, { thread: 'same' });
      await using storage = await Storage.open({ path, packBytes: 4096, reserve: 0, ...deps, onFatal, openFacts });
      const workload = new StorageWorkload({ seed: 1, chunkBytes: 400, run: 1 });
      await workload.resume(storage);
      expect(await workload.verify(storage)).toMatchObject({ commits: 13 });
      await workload.step(storage);
    }
    expect(await collect(checkStorage({ path, readData: true }))).toEqual([]);
    expect(fatal).toEqual([]);
  });
});
