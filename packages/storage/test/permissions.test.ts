import { systemClock, systemRandom } from '@coffer/core';
import { expect, test } from '@jest/globals';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Storage } from '../src/index.ts';
import { Client } from './support/client.ts';
import { StorageBench } from './support/storage-bench.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

/** Paths that anyone but the owner may do something with. */
async function openToOthers(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const modes = await Promise.all(names.map(async (name) => ({ name, mode: (await lstat(join(folder, name))).mode })));
  return modes.filter(({ mode }) => (mode & 0o077) !== 0).map(({ name }) => name);
}

test('nothing in a storage can be read by other users, also in a folder that was there before and that they may enter', async () => {
  await withTemporaryFolder(async (folder) => {
    const path = join(folder, 'shared');
    await mkdir(path, { mode: 0o755 });
    await Storage.init({ path, clock: systemClock, random: systemRandom });
    expect(await openToOthers(path)).toEqual([]);
  });
});

test('neither can what a running server makes', async () => {
  await using bench = await StorageBench.open();
  await new Client(bench).upload(Uint8Array.of(1));
  expect(await openToOthers(bench.path)).toEqual([]);
});
