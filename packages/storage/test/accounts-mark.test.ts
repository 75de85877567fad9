import { silentLogger, systemClock, systemRandom } from '@coffer/core';
import { TestAccount } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Accounts, backupAccounts, checkStorage, restoreStorage, Storage } from '../src/index.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

interface Killed {
  /** As a killed process leaves it: accounts.db with its log. */
  readonly path: string;
  /** accounts.db as a clean stop left it, before what the log holds. */
  readonly older: string;
}

async function withKilled(work: (killed: Killed) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const live = join(folder, 'live');
    const killed = { path: join(folder, 'killed'), older: join(folder, 'older.db') };
    await Storage.init({ path: live, clock: systemClock, random: systemRandom });
    {
      await using accounts = await Accounts.open(live);
      await add(accounts, 'anna', 1);
    }
    await cp(join(live, 'accounts.db'), killed.older);
    await using accounts = await Accounts.open(live);
    await add(accounts, 'bert', 2);
    await add(accounts, 'cleo', 3);
    await cp(live, killed.path, { recursive: true, filter: (name) => !/lock$|-shm$/.test(name) });
    await work(killed);
  });
}

async function add(accounts: Accounts, username: string, seed: number): Promise<void> {
  const records = { registrationRecord: Uint8Array.of(1), unlockRecord: Uint8Array.of(2) };
  await accounts.create({ username, role: 'user', ...records, identity: new TestAccount(seed).statements });
}

async function namesIn(path: string): Promise<string[]> {
  await using accounts = await Accounts.open(path);
  return (await accounts.list()).map(({ username }) => username);
}

async function findings(path: string): Promise<string[]> {
  const messages: string[] = [];
  for await (const { message } of checkStorage({ path, readData: true })) messages.push(message);
  return messages.filter((message) => message.startsWith('accounts.'));
}

const countIn = (mark: string): number => Number(mark.slice(0, 16));
const logOf = (path: string): string => join(path, 'accounts.db-wal');
const markOf = (path: string): string => join(path, 'accounts.mark');

async function putBack({ path, older }: Killed): Promise<void> {
  await rm(logOf(path));
  await cp(older, join(path, 'accounts.db'));
}

async function flipLastBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.byteLength - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(file, bytes);
}

describe('accounts.db that was taken back', () => {
  const harms: [string, (killed: Killed) => Promise<void>, number][] = [
    ['an older copy in its place', putBack, 2],
    ['its log gone', ({ path }) => rm(logOf(path)), 2],
    ['a bit of its log flipped', ({ path }) => flipLastBit(logOf(path)), 1],
  ];

  test.each(harms)('%s is noticed at a start, and by check', (_name, harm, lost) =>
    withKilled(async (killed) => {
      await harm(killed);
      const refused = { code: 'DAMAGED', details: { path: join(killed.path, 'accounts.db'), lost } };
      await expect(Accounts.open(killed.path)).rejects.toMatchObject(refused);
      expect(await findings(killed.path)).toEqual([`accounts.db has lost ${lost} changes; restore it from a backup`]);
      // Refused once more: what was refused is not what counts from then on.
      await expect(Accounts.open(killed.path)).rejects.toMatchObject(refused);
    }),
  );

  test('a backup of it and a restore make it the one that counts', () =>
    withKilled(async (killed) => {
      const { path } = killed;
      await putBack(killed);
      await backupAccounts({ path, clock: systemClock });
      const deps = { clock: systemClock, random: systemRandom, logger: silentLogger };
      await restoreStorage({
        path,
        packBytes: 65_536,
        ...deps,
        prepare: () => Promise.resolve(() => Uint8Array.of(1)),
      });
      expect(await namesIn(path)).toEqual(['anna']);
      expect(await findings(path)).toEqual([]);
    }));
});

describe('accounts.mark', () => {
  test('a kill leaves nothing to complain of, at whatever point', () =>
    withKilled(async ({ path }) => {
      const mark = await readFile(markOf(path), 'latin1');
      expect(mark).toMatch(/^\d{16} [0-9a-f]{8}\n$/);
      expect((await stat(markOf(path))).mode & 0o777).toBe(0o600);
      // Between a change and its mark, and while the mark was made for the first time.
      for (const text of ['0000000000000001 d5075bf2\n', '', mark.slice(0, 9), undefined]) {
        await (text === undefined ? rm(markOf(path)) : writeFile(markOf(path), text));
        expect(await namesIn(path)).toEqual(['anna', 'bert', 'cleo']);
        await using accounts = await Accounts.open(path);
        await accounts.setSetting('next', Uint8Array.of(1));
        expect(countIn(await readFile(markOf(path), 'latin1'))).toBeGreaterThan(countIn(mark));
      }
    }));

  test('is raised by changes only: what a start finds in the log may not be on the disk yet', () =>
    withKilled(async ({ path }) => {
      await rm(markOf(path));
      expect(await namesIn(path)).toEqual(['anna', 'bert', 'cleo']);
      expect(await readFile(markOf(path), 'latin1')).toBe('');
    }));

  test('that is a link is refused, and what it points to is left alone', () =>
    withKilled(async ({ path }) => {
      const elsewhere = join(path, 'elsewhere');
      await writeFile(elsewhere, 'what somebody else owns and nobody writes to');
      await rm(markOf(path));
      await symlink(elsewhere, markOf(path));
      await expect(Accounts.open(path)).rejects.toMatchObject({ code: 'IO' });
      await rm(elsewhere);
      await expect(Accounts.open(path)).rejects.toMatchObject({ code: 'IO' });
      expect(existsSync(elsewhere)).toBe(false);
    }));

  test('that cannot be read is a finding of its own: the database is sound', () =>
    withKilled(async ({ path }) => {
      await rm(markOf(path));
      await mkdir(markOf(path));
      expect(await findings(path)).toEqual([expect.stringContaining('accounts.mark')]);
    }));

  test('processes that change the same accounts do not alarm each other', () =>
    withKilled(async ({ path }) => {
      await using one = await Accounts.open(path);
      await using other = await Accounts.open(path);
      for (let round = 0; round < 20; round += 1) {
        await (round % 2 === 0 ? one : other).setSetting('round', Uint8Array.of(round));
        expect(await namesIn(path)).toHaveLength(3);
      }
    }));
});
