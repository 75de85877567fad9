import type { Clock } from '@coffer/core';
import { CofferError, sha256, systemClock, systemRandom } from '@coffer/core';
import { TestAccount } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Accounts, canonicalUsername, Storage } from '../src/index.ts';
import type { NewAccount } from '../src/index.ts';
import { withCode } from './support/expect-code.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

const records = { registrationRecord: Uint8Array.of(1), unlockRecord: Uint8Array.of(2) };

function newAccount(username: string, account: TestAccount, more: Partial<NewAccount> = {}): NewAccount {
  return { username, role: 'user', ...records, identity: account.statements, ...more };
}

async function withAccounts(
  work: (accounts: Accounts, path: string, time: { ms: number }) => Promise<void>,
): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'coffer-accounts-'));
  const time = { ms: 1_000_000 };
  const clock: Clock = { ...systemClock, nowMs: () => time.ms };
  try {
    await Storage.init({ path, clock, random: systemRandom });
    await using accounts = await Accounts.open(path, { clock });
    await work(accounts, path, time);
  } finally {
    await rm(path, { recursive: true });
  }
}

describe('accounts', () => {
  test('an account is found by any spelling of its name, and by id', () =>
    withAccounts(async (accounts) => {
      const anna = new TestAccount(1);
      const created = await accounts.create(
        newAccount('Anna.Ä', anna, { quotaBytes: 5e15, contact: 'anna@example.org', folder: '/home/anna' }),
      );
      expect(created).toMatchObject({
        username: 'Anna.Ä',
        canonicalUsername: 'anna.ä',
        state: 'active',
        authEpoch: 0,
        quotaBytes: 5e15,
      });
      expect(await accounts.byName('ANNA.A\u0308')).toEqual(await accounts.byId(anna.account));
      expect(await accounts.byName('bert')).toBe(undefined);
      expect(await accounts.byName('not a name!')).toBe(undefined);
      expect((await accounts.byId(anna.account))?.folder).toBe('/home/anna');
    }));

  test('names and ids are unique', () =>
    withAccounts(async (accounts) => {
      const anna = new TestAccount(1);
      await accounts.create(newAccount('anna', anna));
      await expect(accounts.create(newAccount('ANNA', new TestAccount(2)))).rejects.toMatchObject({ code: 'EXISTS' });
      await expect(accounts.create(newAccount('other', anna))).rejects.toMatchObject({ code: 'EXISTS' });
      await expect(accounts.create(newAccount('x y', new TestAccount(3)))).rejects.toMatchObject({ code: 'INVALID' });
      await expect(accounts.create(newAccount('y', new TestAccount(3), { identity: [] }))).rejects.toMatchObject({
        code: 'INVALID',
      });
      expect((await accounts.list()).map(({ username }) => username)).toEqual(['anna']);
    }));

  test('state, role, quota and certificate change; unknown accounts do not', () =>
    withAccounts(async (accounts) => {
      const { account } = await accounts.create(newAccount('anna', new TestAccount(1)));
      await accounts.setState(account, 'suspended');
      await accounts.setRole(account, 'admin');
      await accounts.setQuota(account, 100);
      await accounts.setCertificate(account, Uint8Array.of(9));
      expect(await accounts.byId(account)).toMatchObject({ state: 'suspended', role: 'admin', quotaBytes: 100 });
      await accounts.setQuota(account, null);
      expect((await accounts.byId(account))?.quotaBytes).toBe(null);
      await expect(accounts.setState(new Uint8Array(16), 'active')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));

  test('a change of credentials counts the epoch and refuses a second one', () =>
    withAccounts(async (accounts) => {
      const { account } = await accounts.create(newAccount('anna', new TestAccount(1)));
      const change = {
        account,
        registrationRecord: Uint8Array.of(7),
        unlockRecord: Uint8Array.of(8),
        expectedAuthEpoch: 0,
      };
      expect(await accounts.setCredentials(change)).toBe(1);
      await expect(accounts.setCredentials(change)).rejects.toMatchObject({ code: 'CONFLICT' });
      expect((await accounts.byId(account))?.authEpoch).toBe(1);
    }));

  test('an identity chain grows statement by statement', () =>
    withAccounts(async (accounts) => {
      const anna = new TestAccount(1);
      const { account } = await accounts.create(newAccount('anna', anna));
      anna.enroll();
      anna.enroll();
      const [create, first, second] = anna.statements;
      if (!create || !first || !second) throw new TypeError('three statements expected');
      await expect(accounts.appendIdentity(account, second)).rejects.toMatchObject({ code: 'INVALID' });
      expect(await accounts.appendIdentity(account, first)).toEqual({ seq: 2 });
      expect(await accounts.appendIdentity(account, first)).toEqual({ seq: 2 });
      expect(await accounts.appendIdentity(account, second)).toEqual({ seq: 3 });
      expect(accounts.identityStatements(account).map((one) => Buffer.from(one))).toEqual(
        anna.statements.map((one) => Buffer.from(one)),
      );
      expect(accounts.identityStatements(account, 2)).toHaveLength(1);
      expect((await accounts.identity(account)).seq).toBe(3);
      await expect(accounts.appendIdentity(new Uint8Array(16), first)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }));

  test('of two statements for one place only the one that takes it is written down', () =>
    withTemporaryFolder(async (path) => {
      const recorded: Uint8Array[] = [];
      const recordStatement = async (_account: Uint8Array, statement: Uint8Array): Promise<void> => {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        recorded.push(statement);
      };
      await using accounts = await Accounts.openNew(path, { recordStatement });
      const anna = new TestAccount(1);
      const { account } = await accounts.create(newAccount('anna', anna));
      anna.enroll({ name: 'one' });
      const twin = new TestAccount(1);
      twin.enroll({ name: 'two' });
      const rivals = [anna.statements[1], twin.statements[1]] as const;
      const outcomes = await Promise.allSettled(
        rivals.map((statement) => accounts.appendIdentity(account, statement as Uint8Array)),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(recorded.map((one) => Buffer.from(one))).toEqual([Buffer.from(rivals[0] as Uint8Array)]);
    }));

  test('new keys that a changed password refuses are nowhere; those that are written down are in the chain with their secrets', () =>
    withTemporaryFolder(async (path) => {
      const recorded: Uint8Array[] = [];
      const change = { registrationRecord: Uint8Array.of(7), unlockRecord: Uint8Array.of(8), expectedAuthEpoch: 0 };
      let isRefused: boolean | undefined;
      const recordStatement = async (account: Uint8Array, statement: Uint8Array): Promise<void> => {
        recorded.push(statement);
        isRefused = await accounts.setCredentials({ account, ...change }).then(
          () => false,
          () => true,
        );
      };
      await using accounts: Accounts = await Accounts.openNew(path, { recordStatement });
      const anna = new TestAccount(1);
      const { account } = await accounts.create(newAccount('anna', anna));
      anna.rotate();
      const statement = anna.statements[1] ?? new Uint8Array();
      const rotation = { account, statement, unlockRecord: Uint8Array.of(9), expectedAuthEpoch: 0 };
      const made = await accounts.rotateIdentity(rotation).catch(() => undefined);
      expect({ made, isRefused }).toEqual({ made: { seq: 2 }, isRefused: true });
      expect(recorded).toHaveLength(1);
      expect(accounts.identityStatements(account)).toHaveLength(2);
      expect((await accounts.byId(account))?.unlockRecord).toEqual(Uint8Array.of(9));
      expect((await accounts.unrecordedStatements(10)).map(({ seq }) => seq)).not.toContain(2);
    }));

  test('new keys that the packs had no room for are there all the same, and are written down later', () =>
    withTemporaryFolder(async (path) => {
      const recordStatement = (): Promise<void> => Promise.reject(new CofferError('NO_SPACE', 'the disk is full'));
      await using accounts = await Accounts.openNew(path, { recordStatement });
      const anna = new TestAccount(1);
      const { account } = await accounts.create(newAccount('anna', anna));
      anna.rotate();
      const statement = anna.statements[1] ?? new Uint8Array();
      const rotation = { account, statement, unlockRecord: Uint8Array.of(9), expectedAuthEpoch: 0 };
      await expect(accounts.rotateIdentity(rotation)).rejects.toMatchObject({ code: 'NO_SPACE' });
      expect(await accounts.rotateIdentity(rotation)).toEqual({ seq: 2 });
      expect((await accounts.unrecordedStatements(10)).map(({ seq }) => seq)).toContain(2);
    }));

  test('the last use of a device is written once a minute', () =>
    withAccounts(async (accounts, _path, time) => {
      const { account } = await accounts.create(newAccount('anna', new TestAccount(1)));
      const device = new Uint8Array(16).fill(3);
      const seen = async (): Promise<number | undefined> => (await accounts.devicesSeen(account))[0]?.lastSeenMs;
      await accounts.touchDevice(account, device);
      time.ms += 59_999;
      await accounts.touchDevice(account, device);
      expect(await seen()).toBe(1_000_000);
      time.ms += 1;
      await accounts.touchDevice(account, device);
      expect(await seen()).toBe(1_060_000);
      time.ms = 5;
      await accounts.touchDevice(account, device);
      expect(await accounts.devicesSeen(account)).toMatchObject([{ firstSeenMs: 1_000_000, lastSeenMs: 5 }]);
    }));

  test('settings are kept', () =>
    withAccounts(async (accounts) => {
      expect(await accounts.setting('authority')).toBe(undefined);
      await accounts.setSetting('authority', Uint8Array.of(1));
      await accounts.setSetting('authority', Uint8Array.of(2));
      expect(Buffer.from((await accounts.setting('authority')) ?? [])).toEqual(Buffer.of(2));
    }));

  test('an invite makes one account, in time, for the right name', () =>
    withAccounts(async (accounts, _path, time) => {
      const tokenHash = sha256(Uint8Array.of(1));
      const invite = { tokenHash, username: 'Anna', role: 'admin', quotaBytes: 77, expiresAtMs: 2_000_000 } as const;
      await accounts.createInvite(invite);
      await expect(accounts.createInvite(invite)).rejects.toMatchObject({ code: 'EXISTS' });
      const redeem = (username: string, seed: number, hash: Uint8Array = tokenHash) =>
        accounts.redeemInvite({ tokenHash: hash, account: newAccount(username, new TestAccount(seed)) });
      await expect(redeem('bert', 1)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
      await expect(redeem('anna', 1, sha256(Uint8Array.of(2)))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      time.ms = 2_000_000;
      await expect(redeem('anna', 1)).rejects.toMatchObject({ code: 'EXPIRED' });
      time.ms = 1_999_999;
      expect(await redeem('anna', 1)).toMatchObject({ role: 'admin', quotaBytes: 77 });
      await expect(redeem('anna', 2)).rejects.toMatchObject({ code: 'EXPIRED' });
      expect(await accounts.invite(tokenHash)).toMatchObject({ usedAtMs: 1_999_999 });
      expect(await accounts.invites()).toHaveLength(1);
      expect(await accounts.list()).toHaveLength(1);
    }));

  test('two openings of one storage see each other', () =>
    withAccounts(async (accounts, path) => {
      await using other = await Accounts.open(path);
      await other.create(newAccount('anna', new TestAccount(1)));
      expect(await accounts.byName('anna')).toMatchObject({ username: 'anna' });
      await accounts.create(newAccount('bert', new TestAccount(2)));
      expect(await other.list()).toHaveLength(2);
      await other[Symbol.asyncDispose]();
    }));

  test('a folder without a storage is NOT_FOUND, a storage without accounts.db is DAMAGED', () =>
    withAccounts(async (accounts, path) => {
      await expect(Accounts.open('/nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await accounts[Symbol.asyncDispose]();
      await rm(join(path, 'accounts.db'));
      await expect(Accounts.open(path)).rejects.toMatchObject({ code: 'DAMAGED' });
    }));
});

describe('usernames', () => {
  test.each([
    ['Anna', 'anna'],
    ['ＡＮＮＡ', 'anna'],
    ['anna-maria_2.x', 'anna-maria_2.x'],
    ['ÄRGER', 'ärger'],
    ['7of9', '7of9'],
    ['x'.repeat(64), 'x'.repeat(64)],
  ])('%s is %s', (name, canonical) => {
    expect(canonicalUsername(name)).toBe(canonical);
    expect(canonicalUsername(canonical)).toBe(canonical);
  });

  test.each([
    '',
    ' anna',
    'anna ',
    'an na',
    '.anna',
    '-anna',
    'a/b',
    'a\u0000',
    'a\u202Eb',
    'a@b',
    'x'.repeat(65),
    'ﷺ'.repeat(10),
  ])('%j is none', (name) => {
    expect(() => canonicalUsername(name)).toThrow(withCode('INVALID'));
  });
});
