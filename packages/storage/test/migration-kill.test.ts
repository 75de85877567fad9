import { randomUnit, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { testRandom } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { Accounts, checkStorage, Storage } from '../src/index.ts';
import { StorageWorkload } from '../src/testing/index.ts';
import { collect } from './support/client.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

/** Migrations that are killed; more are asked for in the environment. */
const kills = Number(process.env['COFFER_MIGRATION_KILLS'] ?? 3);

/** Storages that a process brings up to date one after the other: wherever it dies, it is most likely inside one. */
const storagesTogether = 8;
/** Commits of the fixture. */
const commits = 13;
/** A process opens so many within about this time. */
const spanMs = 400;

const fixture = fileURLToPath(new URL('./fixtures/format-1', import.meta.url));
const script = fileURLToPath(new URL('./support/migrate-child.ts', import.meta.url));

/** Kills a process that opens these storages of an older schema. Gives whether one was being opened. */
async function openAndKill(paths: readonly string[], run: number): Promise<boolean> {
  const child = spawn(process.execPath, ['--conditions=source', script, ...paths]);
  const said: string[] = [];
  const errors: Buffer[] = [];
  const begun = new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      said.push(bytes.toString());
      resolve();
    });
  });
  child.stderr.on('data', (bytes: Buffer) => errors.push(bytes));
  const closed = once(child, 'close');
  await Promise.race([begun, closed]);
  await systemClock.sleep(randomUnit(testRandom(run)) * spanMs);
  child.kill('SIGKILL');
  await closed;
  expect(Buffer.concat(errors).toString()).toBe('');
  return said.join('').trim().split('\n').at(-1)?.startsWith('opening') ?? false;
}

async function verify(path: string): Promise<void> {
  {
    await using accounts = await Accounts.open(path);
    expect(await accounts.list()).toHaveLength(1);
  }
  const openFacts = (file: string): Promise<SqliteFacts> => SqliteFacts.open(file, { thread: 'same' });
  const onFatal = (error: unknown): void => expect(error).toBe(undefined);
  const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, onFatal, openFacts };
  {
    await using storage = await Storage.open({ path, packBytes: 4096, reserve: 0, ...deps });
    const workload = new StorageWorkload({ seed: 1, chunkBytes: 400, run: 1 });
    await workload.resume(storage);
    expect(await workload.verify(storage)).toMatchObject({ commits });
  }
  expect(await collect(checkStorage({ path, readData: true }))).toEqual([]);
}

/** Gives 1 when a storage was being opened. */
async function killOnce(folder: string, run: number): Promise<number> {
  const paths = Array.from({ length: storagesTogether }, (_, index) => join(folder, `storage ${index}`));
  for (const path of paths) await cp(fixture, path, { recursive: true });
  const struck = await openAndKill(paths, run);
  for (const path of paths) await verify(path);
  return struck ? 1 : 0;
}

test('a process killed while it brings an older storage up to date leaves one that the next start finishes', async () => {
  let struck = 0;
  // One that met none is not counted; so many of them in a row would be a test that meets none.
  for (let run = 1; struck < kills && run <= 10 * kills; run += 1)
    struck += await withTemporaryFolder((folder) => killOnce(folder, run));
  expect(struck).toBe(kills);
}, 1_800_000);
