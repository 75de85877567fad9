import { isCofferError, systemClock, systemRandom } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { TestVault } from '@coffer/journal/testing';
import { describe, expect, jest, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { accountsMigrations } from '../src/accounts/accounts-schema.ts';
import { backupBeforeMigration } from '../src/backup/backup-before-migration.ts';
import { Accounts, backupAccounts, listBackups, readIdentity, restoreStorage } from '../src/index.ts';
import type { RestoreOptions } from '../src/index.ts';
import { layDownAccounts } from '../src/restore/lay-down-accounts.ts';
import { Client } from './support/client.ts';
import { StorageBench } from './support/storage-bench.ts';

// Each backup starts a thread.
jest.setTimeout(60_000);

const sealedSetup = new Uint8Array(200).fill(7);

async function bench(): Promise<StorageBench> {
  const made = await StorageBench.open();
  await writeFile(join(made.path, 'opaque-setup.sealed'), sealedSetup, { mode: 0o600 });
  return made;
}

function backupOf({ path }: StorageBench, clock: Clock = systemClock) {
  return backupAccounts({ path, clock });
}

/** Takes what a disk crash leaves when `users/` and `backups/` were copied elsewhere. */
async function crash({ path, spare }: StorageBench): Promise<string> {
  for (const name of ['users', 'backups']) await cp(join(path, name), join(spare, name), { recursive: true });
  return spare;
}

function restore(path: string, more: Partial<RestoreOptions> = {}) {
  return restoreStorage({
    path,
    packBytes: 64 * 1024 * 1024,
    prepare: () => Promise.resolve(({ n, heads }) => Uint8Array.of(n, heads.length)),
    clock: systemClock,
    random: systemRandom,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    ...more,
  });
}

async function damage(file: string, how: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(file, how(await readFile(file)));
}

describe('a backup of accounts.db', () => {
  test('is private, whole, and holds what a restore needs', async () => {
    await using one = await bench();
    const made = await backupOf(one);
    expect(made).toMatchObject({ accounts: 1, schema: accountsMigrations.length });
    expect((await stat(made.file)).mode & 0o777).toBe(0o600);
    expect(await listBackups(one.path)).toEqual([{ file: made.file, atMs: made.atMs, bytes: made.bytes }]);
    const copy = join(one.spare, 'copy.db');
    await writeFile(copy, zstdDecompressSync(await readFile(made.file)));
    using db = new DatabaseSync(copy, { readOnly: true });
    const setting = (key: string) => db.prepare('SELECT value FROM settings WHERE key = ?').get(key)?.['value'];
    expect(setting('backup.server')).toEqual(one.storage.serverId);
    expect(setting('backup.opaqueSetup')).toEqual(sealedSetup);
    expect(await one.storage.accounts.setting('backup.server')).toBe(undefined);
    expect((await readdir(join(one.path, 'backups'))).length).toBe(1);
  });

  test('is taken beside a process that writes', async () => {
    await using one = await bench();
    const { accounts } = one.storage;
    const writes = (async () => {
      for (let n = 0; n < 50; n += 1) await accounts.setSetting('n', Uint8Array.of(n));
    })();
    expect(await backupOf(one)).toMatchObject({ accounts: 1 });
    await writes;
  });

  test('the newest thirty are kept, also when the clock goes back', async () => {
    await using one = await bench();
    let nowMs = Date.UTC(2030, 0, 1);
    const clock: Clock = { ...systemClock, nowMs: () => nowMs };
    const folder = join(one.path, 'backups');
    const first = await backupOf(one, clock);
    for (let n = 1; n < 31; n += 1) await cp(first.file, first.file.replace('2030', String(1990 + n)));
    nowMs = Date.UTC(2020, 0, 1);
    const last = await backupOf(one, clock);
    const kept = await listBackups(one.path);
    expect(kept.length).toBe(30);
    expect(kept.slice(0, 2).map(({ file }) => file)).toEqual([last.file, first.file]);
    expect(await readdir(folder)).not.toContain(first.file.replace('2030', '1991'));
  });

  test('many made in a row push none of the last week out', async () => {
    await using one = await bench();
    let nowMs = Date.UTC(2030, 0, 1, 12);
    const clock: Clock = { ...systemClock, nowMs: () => nowMs };
    const first = await backupOf(one, clock);
    const copyAt = (time: string) => cp(first.file, first.file.replace('20300101T120000.000Z', time));
    for (let day = 2; day <= 8; day += 1) await copyAt(`2030010${day}T060000.000Z`);
    for (let minute = 10; minute < 45; minute += 1) await copyAt(`20300109T06${minute}00.000Z`);
    nowMs = Date.UTC(2030, 0, 9, 12);
    await backupOf(one, clock);
    const days = (await listBackups(one.path)).map(({ atMs }) => new Date(atMs).getUTCDate());
    expect(days).toEqual([...Array<number>(30).fill(9), 8, 7, 6, 5, 4, 3]);
  });

  test('a damaged database makes no backup, and takes none away', async () => {
    await using one = await bench();
    const good = await backupOf(one);
    await one.stop();
    await damage(join(one.path, 'accounts.db'), (bytes) => bytes.fill(0xff, 4096 + 8, 4096 * 3));
    await expect(backupOf(one)).rejects.toMatchObject({ code: 'DAMAGED' });
    expect((await listBackups(one.path)).map(({ file }) => file)).toEqual([good.file]);
    expect(await readdir(join(one.path, 'backups'))).toHaveLength(1);
  });

  test('is made before a migration, and only then', async () => {
    await using one = await bench();
    const migrate = (migrations: readonly string[]) =>
      backupBeforeMigration(one.path, { migrations, clock: systemClock });
    await migrate(accountsMigrations);
    expect(await listBackups(one.path)).toEqual([]);
    await migrate([...accountsMigrations, 'CREATE TABLE more (id INTEGER)']);
    expect(await listBackups(one.path)).toHaveLength(1);
  });
});

describe('a storage that is restored', () => {
  test('from packs and a backup serves every commit and chunk, in a new generation that the packs remember', async () => {
    await using one = await bench();
    const client = new Client(one);
    const [id] = await client.upload(randomBytes(5000));
    await client.append(client.put([id as Uint8Array]));
    await backupOf(one);
    // After the backup: only the packs know of this device.
    const later = one.owner.enroll();
    await one.storage.accounts.appendIdentity(one.owner.account, one.owner.statements.at(-1) as Uint8Array);
    const ack = await client.append();
    await one.stop();
    const path = await crash(one);
    const restored = await restore(path);
    expect(restored).toMatchObject({ generation: 2, accounts: 1, vaults: 1, unknownAccounts: 0 });
    expect(await readIdentity(path)).toEqual({ serverId: restored.server, generation: 2 });
    expect(await readFile(join(path, 'opaque-setup.sealed'))).toEqual(Buffer.from(sealedSetup));
    await using storage = await one.openAgain(path);
    expect(await storage.head(one.home.id)).toMatchObject({ seq: ack.seq, head: ack.head });
    expect((await storage.accounts.identity(one.owner.account)).devices.has(later.device.toHex())).toBe(true);
    expect(await storage.generationStatement(2)).toEqual(Uint8Array.of(2, 1));
    expect(await storage.accounts.setting('backup.server')).toBe(undefined);
    await storage[Symbol.asyncDispose]();
    // Once more, from the first backup: the packs say which generation it was.
    for (const { file } of (await listBackups(path)).slice(0, 1)) await rm(file);
    await rm(join(path, 'generation'));
    await rm(join(path, 'server.id'));
    expect(await restore(path)).toMatchObject({ generation: 3 });
  });

  test('takes the newest backup that is whole', async () => {
    await using one = await bench();
    const old = await backupOf(one);
    const torn = await backupOf(one);
    const foreign = await backupOf(one);
    const empty = await backupOf(one);
    await one.stop();
    await damage(torn.file, (bytes) => bytes.subarray(0, bytes.length - 10));
    await damage(foreign.file, () => Buffer.from('no zstd'));
    await damage(empty.file, () => zstdCompressSync(Buffer.alloc(0)));
    const path = await crash(one);
    expect((await restore(path)).backup).toBe(join(path, 'backups', basename(old.file)));
  });

  test('a damaged backup that is named is refused, and nothing is changed', async () => {
    await using one = await bench();
    const { file } = await backupOf(one);
    await one.stop();
    await damage(file, (bytes) => bytes.subarray(0, 100));
    const before = await readdir(one.path);
    await expect(restore(one.path, { file })).rejects.toMatchObject({ code: 'DAMAGED' });
    expect(await readdir(one.path)).toEqual(before);
  });

  test('keeps what it replaces, and refuses another server, a running one, and a refusal to sign', async () => {
    await using one = await bench();
    await using other = await StorageBench.open();
    const { file } = await backupOf(other);
    await expect(restore(one.path)).rejects.toMatchObject({ code: 'LOCKED' });
    await backupOf(one);
    await one.stop();
    await expect(restore(one.path, { file })).rejects.toMatchObject({ code: 'CONFLICT' });
    const refused = restore(one.path, { prepare: () => Promise.reject(new Error('no key')) });
    await expect(refused).rejects.toThrow('no key');
    expect((await readIdentity(one.path)).generation).toBe(1);
    await restore(one.path, { leastGeneration: 9 });
    expect((await readIdentity(one.path)).generation).toBe(9);
    const replaced = async () =>
      (await readdir(one.path)).filter((name) => /^accounts\.db\.replaced-[0-9T]+(-\d)?$/.test(name));
    expect(await replaced()).toHaveLength(1);
    const stopped: Clock = { ...systemClock, nowMs: () => Date.UTC(2030, 0, 1) };
    for (let again = 0; again < 2; again += 1) await restore(one.path, { clock: stopped });
    expect(await replaced()).toHaveLength(3);
  });

  test('a storage of more vaults than a generation can name is left as it was', async () => {
    await using one = await bench();
    await one.storage.createVault(new TestVault({ owner: one.owner, kind: 'share' }).genesis);
    await backupOf(one);
    await one.stop();
    const path = await crash(one);
    const files = async () => (await readdir(path, { recursive: true })).filter((name) => name !== 'lock');
    const before = await files();
    await expect(restore(path, { maxVaults: 1 })).rejects.toMatchObject({ code: 'LIMIT' });
    expect(await files()).toEqual(before);
    expect(await restore(path, { maxVaults: 2 })).toMatchObject({ vaults: 2 });
  });

  test('that ends in the middle leaves what it replaces whole, its log too', async () => {
    await using one = await bench();
    // Held open: what was written last stays in the log.
    await one.storage.accounts.setSetting('last', Uint8Array.of(7));
    const chosen = { server: one.storage.serverId, generation: 1, opaqueSetup: undefined };
    const copy = join(one.spare, 'missing');
    await expect(layDownAccounts({ path: one.path, copy, chosen, nowMs: 0 })).rejects.toMatchObject({ code: 'IO' });
    const aside = (await readdir(one.path)).find((name) => /^accounts\.db\.replaced-[0-9T]+$/.test(name));
    using db = new DatabaseSync(join(one.path, aside ?? ''));
    const row = db.prepare("SELECT value FROM settings WHERE key = 'last'").get();
    expect(row?.['value']).toEqual(Uint8Array.of(7));
  });

  test('serves nobody before its new generation is signed', async () => {
    await using one = await bench();
    await backupOf(one);
    await one.stop();
    const path = await crash(one);
    const cut = () => {
      throw new Error('the machine lost power');
    };
    await expect(restore(path, { prepare: () => Promise.resolve(cut) })).rejects.toThrow('power');
    await expect(one.openAgain(path)).rejects.toMatchObject({ code: 'DAMAGED' });
    expect(await restore(path)).toMatchObject({ generation: 2 });
    await using storage = await one.openAgain(path);
    expect(storage.generation).toBe(2);
  });

  test('tells of accounts that were made after the backup', async () => {
    await using one = await bench();
    await backupOf(one);
    const path = await crash(one);
    await cp(join(path, 'users', one.owner.account.toHex()), join(path, 'users', 'ab'.repeat(16)), { recursive: true });
    expect(await restore(path)).toMatchObject({ unknownAccounts: 1 });
  });

  test('accounts that were lost say which command helps', async () => {
    await using one = await bench();
    await one.stop();
    await rm(join(one.path, 'accounts.db'));
    const error: unknown = await Accounts.open(one.path).catch((thrown: unknown) => thrown);
    expect(isCofferError(error, 'DAMAGED') && error.hint).toContain('coffer admin restore');
  });
});

function ignore(): void {}
