import { isCofferError, systemClock, systemRandom } from '@coffer/core';
import { noIds } from '@coffer/journal';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { copyFile, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { Accounts, rebuildIndex, Storage } from '../src/index.ts';
import { Client, newEntry } from './support/client.ts';
import { StorageBench } from './support/storage-bench.ts';

describe('the folder', () => {
  test('a storage is made once, and only in an empty folder', async () => {
    await using bench = await StorageBench.open();
    const deps = { clock: systemClock, random: systemRandom };
    await expect(Storage.init({ path: bench.path, ...deps })).rejects.toMatchObject({ code: 'EXISTS' });
    await writeFile(join(bench.spare, 'letter.txt'), 'dear');
    await expect(Storage.init({ path: bench.spare, ...deps })).rejects.toMatchObject({ code: 'EXISTS' });
    expect(await readdir(bench.spare)).toEqual(['letter.txt']);
  });

  test('a second storage on the folder is refused, a folder without one is not found', async () => {
    await using bench = await StorageBench.open();
    await expect(bench.openAgain()).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(
      rebuildIndex({ path: bench.path, packBytes: 1, clock: systemClock, random: systemRandom, logger: bench.logger }),
    ).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(bench.openAgain(bench.spare)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await writeFile(join(bench.path, 'generation'), 'many');
    await bench.stop();
    await expect(bench.openAgain()).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('another database, or none at all, in the place of index.db is refused with the way out, and made again', async () => {
    await using bench = await StorageBench.open();
    await bench.stop();
    const index = join(bench.path, 'index.db');
    for (const spoil of [
      () => copyFile(join(bench.path, 'accounts.db'), index),
      () => writeFile(index, 'no database'),
    ]) {
      await bench.removeIndex();
      await spoil();
      const hint: unknown = expect.stringContaining('rebuild-index');
      await expect(bench.openAgain()).rejects.toMatchObject({ code: 'DAMAGED', hint });
      await rebuildIndex({
        path: bench.path,
        packBytes: 1,
        clock: systemClock,
        random: systemRandom,
        logger: bench.logger,
      });
      await bench.start();
      await bench.stop();
    }
  });

  test.each(['accounts.db', 'index.db'])('a newer %s is refused and left as it is', async (name) => {
    await using bench = await StorageBench.open();
    await bench.stop();
    const db = new DatabaseSync(join(bench.path, name));
    db.exec('PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
    expect(await outcomes(bench)).toEqual(refused);
  });

  test('a newer pack is refused and left as it is', async () => {
    await using bench = await StorageBench.open();
    await new Client(bench).upload(Uint8Array.of(1));
    await bench.stop();
    const folder = join(bench.path, 'users', bench.owner.account.toHex(), 'chunks');
    const newer = join(folder, `${'f'.repeat(32)}.pack`);
    await writeFile(newer, Buffer.concat([Buffer.from('COFFERPK\0\0\0\x02', 'latin1'), randomBytes(100)]));
    expect(await outcomes(bench)).toEqual(refused);
  });

  test('a pack that a newer program went on with is refused, though the index knows it', async () => {
    await using bench = await StorageBench.open();
    await new Client(bench).upload(Uint8Array.of(1));
    await bench.stop();
    const folder = join(bench.path, 'users', bench.owner.account.toHex(), 'journal');
    const [name = ''] = await readdir(folder);
    const pack = await open(join(folder, name), 'r+');
    await pack.write(Uint8Array.of(0, 0, 0, 2), 0, 4, 8);
    await pack.close();
    const before = await contents(bench.path);
    await expect(bench.openAgain()).rejects.toMatchObject({ code: 'UPGRADE_REQUIRED' });
    expect(await contents(bench.path)).toEqual(before);
  });

  test('a deleted index comes back by itself', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const ids = await client.upload(...Array.from({ length: 50 }, () => new Uint8Array(randomBytes(50))));
    for (const id of ids) await client.append(client.put([id]));
    const usage = await bench.storage.usage(bench.owner.account);
    await bench.stop();
    await bench.removeIndex();
    await bench.start();
    expect(await bench.storage.head(bench.home.id)).toMatchObject({ seq: 51, head: bench.home.state.head });
    expect(await bench.storage.usage(bench.owner.account)).toEqual(usage);
    expect(await client.findings()).toEqual([]);
  });

  test('statements made by another process reach the packs, and come back from them', async () => {
    await using bench = await StorageBench.open();
    const bert = new TestAccount(5);
    {
      await using beside = await Accounts.open(bench.path);
      const records = { registrationRecord: Uint8Array.of(1), unlockRecord: Uint8Array.of(2) };
      await beside.create({ username: 'bert', role: 'user', ...records, identity: bert.statements });
      expect(await bench.storage.accounts.byName('bert')).toMatchObject({ username: 'bert' });
    }
    const device = bert.enroll();
    await bench.storage.accounts.appendIdentity(bert.account, bert.statements[1] ?? noIds);
    const home = new TestVault({ owner: bert });
    await bench.storage.createVault(home.genesis);
    const commit = home.append({ by: device });
    await bench.storage.append(home.id, [commit]);
    expect(await bench.storage.accounts.unrecordedStatements(10)).toEqual([]);
    await bench.stop();
    await bench.removeIndex();
    const db = new DatabaseSync(join(bench.path, 'accounts.db'));
    db.prepare('DELETE FROM identity_statements WHERE account = ? AND seq = 2').run(bert.account);
    db.close();
    await bench.start();
    expect(await bench.storage.head(home.id)).toMatchObject({ seq: 2, head: commit.hash });
    expect(bench.storage.accounts.identityStatements(bert.account)).toHaveLength(2);
  });

  test('a check of a sound storage finds nothing, of a missing pack everything that it held', async () => {
    await using bench = await StorageBench.open();
    const client = new Client(bench);
    const entry = newEntry();
    await client.append(client.put(await client.upload(new Uint8Array(1000)), entry));
    expect(await client.findings()).toEqual([]);
    await bench.removePacks('chunks');
    const findings = await client.findings();
    expect(findings).toMatchObject([
      { kind: 'pack', message: 'a pack is missing' },
      { kind: 'version', seq: 2 },
    ]);
  });

  test('a closed storage is closed', async () => {
    await using bench = await StorageBench.open();
    const { storage } = bench;
    await bench.stop();
    await storage[Symbol.asyncDispose]();
    await expect(storage.head(bench.home.id)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});

const refused = { start: 'UPGRADE_REQUIRED', rebuild: 'UPGRADE_REQUIRED', changed: false };

/** What a start and a rebuild say of what a newer version wrote, and whether they left it as it was. */
async function outcomes(bench: StorageBench) {
  const before = await contents(bench.path);
  const options = { path: bench.path, packBytes: 1, clock: systemClock, random: systemRandom, logger: bench.logger };
  const start = await bench.openAgain().then(() => 'opened', codeOf);
  const rebuild = await rebuildIndex(options).then(() => 'rebuilt', codeOf);
  const after = await contents(bench.path);
  return { start, rebuild, changed: !isDeepStrictEqual(after, before) };
}

function codeOf(error: unknown): string {
  return isCofferError(error) ? error.code : String(error);
}

/** Names and bytes of all files but those that every reader of a WAL database makes. */
async function contents(path: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const file of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || /-(wal|shm)$|^lock$/.test(file.name)) continue;
    const name = join(file.parentPath, file.name);
    all.set(name, (await readFile(name)).toString('latin1'));
  }
  return all;
}
