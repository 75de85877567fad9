import type { Clock } from '@coffer/core';
import { dayMs, systemClock, systemRandom } from '@coffer/core';
import { TestAccount } from '@coffer/journal/testing';
import { expect, test } from '@jest/globals';
import { DatabaseSync } from 'node:sqlite';
import { RequestTables } from '../src/accounts/request-tables.ts';
import { Accounts, canonicalUsername, Storage } from '../src/index.ts';
import type { NewAccount } from '../src/index.ts';
import { accountsPath } from '../src/storage-folder.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

const records = { registrationRecord: Uint8Array.of(1), unlockRecord: Uint8Array.of(2) };
const fresh = { registrationRecord: Uint8Array.of(3), unlockRecord: Uint8Array.of(4) };
const admin = new Uint8Array(16).fill(9);

function newAccount(username: string, seed: number, more: Partial<NewAccount> = {}): NewAccount {
  return { username, role: 'user', ...records, identity: new TestAccount(seed).statements, ...more };
}

/** Two connections to one database, as the daemon and an administrator's command have them. */
async function withTwo(work: (one: Accounts, other: Accounts, time: { ms: number }) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (path) => {
    const time = { ms: 1_000_000 };
    const clock: Clock = { ...systemClock, nowMs: () => time.ms };
    await Storage.init({ path, clock, random: systemRandom });
    await using one = await Accounts.open(path, { clock });
    await using other = await Accounts.open(path, { clock });
    await work(one, other, time);
  });
}

const id = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

test('a change of the password waits, is approved once, and makes all other requests void', () =>
  withTwo(async (accounts, other) => {
    const { account } = await accounts.create(newAccount('anna', 1, { mustChange: true }));
    const change = { account, ...fresh, expectedAuthEpoch: 0 };
    accounts.requests.openChange({ request: id(1), ...change });
    accounts.requests.openChange({ request: id(2), ...change });
    accounts.requests.openReset({
      request: id(3),
      account,
      ephemeralKey: id(7),
      tokenHash: id(8),
      askedFrom: '192.0.2.1',
    });
    expect(accounts.requests.byId(id(1))).toBe(undefined);
    expect(() => accounts.requests.openChange({ request: id(4), ...change, expectedAuthEpoch: 1 })).toThrow(
      'meanwhile',
    );

    expect(other.requests.approveChange({ request: id(2), by: admin })).toMatchObject({ state: 'done' });
    expect(await accounts.byId(account)).toMatchObject({ ...fresh, authEpoch: 1, mustChange: false });
    expect(accounts.requests.byId(id(2))).toMatchObject({ registrationRecord: null, unlockRecord: null });
    expect(() => accounts.requests.approveChange({ request: id(2), by: admin })).toThrow(
      expect.objectContaining({ code: 'CONFLICT', retryable: false }),
    );
    expect(() => accounts.requests.reject({ request: id(2), by: null, reason: '' })).toThrow('approved already');
    expect(accounts.requests.byId(id(3))?.state).toBe('expired');
    expect(() => accounts.requests.reject({ request: id(3), by: null, reason: '' })).toThrow(
      expect.objectContaining({ code: 'EXPIRED' }),
    );
    expect((await accounts.byId(account))?.authEpoch).toBe(1);
  }));

test('a rejected change changes nothing, and neither does one that is too old', () =>
  withTwo(async (accounts, _other, time) => {
    const { account } = await accounts.create(newAccount('anna', 1));
    const change = { account, ...fresh, expectedAuthEpoch: 0 };
    accounts.requests.openChange({ request: id(1), ...change });
    expect(accounts.requests.reject({ request: id(1), by: admin, reason: 'who are you?' })).toMatchObject({
      state: 'rejected',
      reason: 'who are you?',
    });
    expect(() => accounts.requests.approveChange({ request: id(1), by: admin })).toThrow('rejected already');
    accounts.requests.openChange({ request: id(2), ...change });
    time.ms += 7 * dayMs;
    expect(() => accounts.requests.approveChange({ request: id(2), by: admin })).toThrow('expired');
    expect(() => accounts.requests.approveChange({ request: id(3), by: admin })).toThrow('no such request');
    expect(await accounts.byId(account)).toMatchObject({ ...records, authEpoch: 0 });
  }));

test('a reset takes effect a day after its approval, at once in person, never when it was cancelled', () =>
  withTwo(async (accounts, _other, time) => {
    const { account } = await accounts.create(newAccount('anna', 1));
    const ask = (n: number) =>
      accounts.requests.openReset({
        request: id(n),
        account,
        ephemeralKey: id(7),
        tokenHash: id(8),
        askedFrom: '192.0.2.1',
      });
    const approve = (n: number, verifiedInPerson: boolean) =>
      accounts.requests.approveReset({ request: id(n), by: admin, sealed: id(5), verifiedInPerson });
    ask(1);
    expect(() => accounts.requests.finishReset({ request: id(1), ...fresh })).toThrow('open');
    approve(1, false);
    expect(() => approve(1, true)).toThrow('approved already');
    expect(() => accounts.requests.finishReset({ request: id(1), ...fresh })).toThrow('a day after');
    expect(accounts.requests.cancel(account).map(({ request }) => request[0])).toEqual([1]);
    time.ms += dayMs;
    expect(() => accounts.requests.finishReset({ request: id(1), ...fresh })).toThrow('cancelled');

    ask(2);
    ask(3);
    approve(2, false);
    time.ms += dayMs;
    approve(3, true);
    expect(accounts.requests.finishReset({ request: id(2), ...fresh })).toMatchObject({ state: 'done', sealed: null });
    expect(await accounts.byId(account)).toMatchObject({ ...fresh, authEpoch: 1 });
    expect(() => accounts.requests.finishReset({ request: id(3), ...records })).toThrow('expired');
    expect(() => accounts.requests.finishReset({ request: id(2), ...records })).toThrow('done');
  }));

const asks = (n: number): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, at) => (at < 2 ? (n >> (8 * at)) & 255 : 7));

test('strangers fill no disk with requests, and push out none of the person', () =>
  withTwo(async (accounts, _other, time) => {
    const { account } = await accounts.create(newAccount('anna', 1));
    const ask = (n: number, askedFrom: string): void => {
      time.ms += 1;
      accounts.requests.openReset({ request: asks(n), account, ephemeralKey: id(7), tokenHash: id(8), askedFrom });
    };
    const stateOf = (n: number) => accounts.requests.byId(asks(n))?.state;
    ask(0, '192.0.2.1');
    for (let n = 1; n <= 100; n += 1) ask(n, '198.51.100.7');
    ask(101, '203.0.113.5');
    expect(accounts.requests.ofAccount(account)).toHaveLength(6);
    expect([0, 96, 97, 100, 101].map(stateOf)).toEqual(['open', undefined, 'open', 'open', 'open']);
    // However many strangers come, each from elsewhere: who was there before stays, and who asks after them has time to call.
    for (let n = 200; n < 1000; n += 1) ask(n, `2001:db8:${n}::/48`);
    expect([0, 100, 101, 385].map(stateOf)).toEqual(['open', 'open', 'open', 'open']);
    ask(102, '192.0.2.99');
    for (let n = 1000; n < 1063; n += 1) ask(n, `2001:db8:${n}::/48`);
    expect([0, 102].map(stateOf)).toEqual(['open', 'open']);
    ask(1063, '2001:db8:1063::/48');
    expect([0, 102].map(stateOf)).toEqual(['open', undefined]);
  }));

test('what was withdrawn, rejected or too late is bounded for each account', () =>
  withTwo(async (accounts, _other, time) => {
    const { account } = await accounts.create(newAccount('anna', 1));
    const reset = { account, ephemeralKey: id(7), tokenHash: id(8), askedFrom: '192.0.2.1' };
    for (let n = 0; n < 150; n += 1) {
      time.ms += 1;
      accounts.requests.openReset({ request: asks(n), ...reset });
      if (n % 2 === 0) accounts.requests.cancel(account);
    }
    expect(accounts.requests.ofAccount(account).length).toBeLessThanOrEqual(66);
    time.ms += 7 * dayMs;
    accounts.requests.openReset({ request: asks(150), ...reset });
    expect(accounts.requests.ofAccount(account)).toHaveLength(65);
  }));

test('of too many in all, what is over goes first, then what one address asked', () =>
  withTemporaryFolder(async (path) => {
    const time = { ms: 1_000_000 };
    const clock: Clock = { ...systemClock, nowMs: () => time.ms };
    await Storage.init({ path, clock, random: systemRandom });
    await using accounts = await Accounts.open(path, { clock });
    const anna = await accounts.create(newAccount('anna', 1));
    const bert = await accounts.create(newAccount('bert', 2));
    const ask = (n: number, { account }: { account: Uint8Array }, askedFrom: string): void => {
      time.ms += 1;
      accounts.requests.openReset({ request: asks(n), account, ephemeralKey: id(7), tokenHash: id(8), askedFrom });
    };
    ask(1, anna, '192.0.2.1');
    accounts.requests.approveReset({ request: asks(1), by: null, sealed: id(5), verifiedInPerson: false });
    const change = { account: anna.account, ...fresh, expectedAuthEpoch: 0 };
    accounts.requests.openChange({ request: asks(2), ...change });
    ask(3, anna, '192.0.2.1');
    for (const n of [4, 5, 6]) ask(n, bert, '198.51.100.7');
    ask(7, bert, '203.0.113.5');
    accounts.requests.reject({ request: asks(7), by: null, reason: '' });
    using db = new DatabaseSync(accountsPath(path));
    const tables = new RequestTables(db);
    const left: number[][] = [];
    for (const limit of [7, 6, 5, 4, 3, 2, 1, 0]) {
      tables.keepInAll({ nowMs: time.ms, limit });
      left.push(accounts.requests.list().map(({ request }) => request[0] ?? 0));
    }
    expect(left.map((numbers) => numbers.toSorted((a, b) => a - b))).toEqual([
      [1, 2, 3, 4, 5, 6, 7],
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4],
      [1, 2, 4],
      [1, 2],
      [1],
      [1],
    ]);
  }));

test('what waits stands first in the list, and carries no secrets', () =>
  withTwo(async (accounts, _other, time) => {
    const anna = await accounts.create(newAccount('anna', 1));
    const bert = await accounts.create(newAccount('bert', 2));
    const reset = { ephemeralKey: id(7), tokenHash: id(8), askedFrom: '192.0.2.1' };
    accounts.requests.openReset({ request: id(1), account: anna.account, ...reset });
    accounts.requests.approveReset({ request: id(1), by: null, sealed: id(5), verifiedInPerson: false });
    time.ms += 1;
    const change = { account: anna.account, ...fresh, expectedAuthEpoch: 0 };
    accounts.requests.openChange({ request: id(2), ...change });
    for (let n = 3; n < 40; n += 1) {
      time.ms += 1;
      accounts.requests.openReset({ request: id(n), account: bert.account, ...reset });
      accounts.requests.cancel(bert.account);
    }
    const list = accounts.requests.list();
    expect(list.slice(0, 3).map(({ request, state }) => [request[0], state])).toEqual([
      [2, 'open'],
      [1, 'approved'],
      [39, 'cancelled'],
    ]);
    expect(list[0]).toMatchObject({ registrationRecord: null, unlockRecord: null });
    expect(list[1]).toMatchObject({ sealed: null, ephemeralKey: id(7) });
    expect(accounts.requests.byId(id(2))).toMatchObject(fresh);
  }));

test('invites that were not used go with the administrator who made them', () =>
  withTwo(async (accounts) => {
    const root = await accounts.create(newAccount('root', 1, { role: 'admin' }));
    const second = await accounts.create(newAccount('second', 2, { role: 'admin' }));
    const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
    const invite = { username: null, role: 'admin', quotaBytes: null, expiresAtMs: 2_000_000 } as const;
    const left = async (): Promise<number[]> =>
      (await accounts.invites()).map(({ tokenHash }) => tokenHash[0] ?? 0).toSorted((a, b) => a - b);
    for (const end of [
      () => accounts.setRole(second.account, 'user'),
      () => accounts.setState(second.account, 'suspended'),
      () => accounts.remove(second.account),
    ]) {
      await accounts.setState(second.account, 'active');
      await accounts.setRole(second.account, 'admin');
      await accounts.createInvite({ ...invite, tokenHash: hash(2), createdBy: second.account });
      await accounts.createInvite({ ...invite, tokenHash: hash(1), createdBy: root.account });
      expect(await left()).toEqual([1, 2]);
      await end();
      expect(await left()).toEqual([1]);
      await accounts.revokeInvite(hash(1));
    }
  }));

test('the last administrator can be neither removed, suspended nor demoted, whoever does it', () =>
  withTwo(async (accounts, other) => {
    const root = await accounts.create(newAccount('root', 1, { role: 'admin' }));
    const second = await accounts.create(newAccount('second', 2, { role: 'admin' }));
    await other.setState(second.account, 'suspended');
    const last = { code: 'NOT_ALLOWED', message: 'this is the last administrator' };
    for (const attempt of [
      () => accounts.setRole(root.account, 'user'),
      () => accounts.setState(root.account, 'suspended'),
      () => accounts.remove(root.account),
    ])
      await expect(attempt()).rejects.toMatchObject(last);
    await other.setState(second.account, 'active');
    const both = await Promise.allSettled([accounts.remove(root.account), other.remove(second.account)]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  }));

test('a removed account is nobody any more: its name is free, its secrets are gone, its chain stays', () =>
  withTwo(async (accounts) => {
    const { account } = await accounts.create(newAccount('anna', 1, { contact: 'a@example.org' }));
    accounts.requests.openReset({
      request: id(1),
      account,
      ephemeralKey: id(7),
      tokenHash: id(8),
      askedFrom: '192.0.2.1',
    });
    await accounts.remove(account);
    expect(await accounts.byName('anna')).toBe(undefined);
    expect(await accounts.list()).toEqual([]);
    expect(await accounts.list({ removed: true })).toHaveLength(1);
    const gone = { username: '', contact: '', state: 'suspended', registrationRecord: new Uint8Array(0) };
    expect(await accounts.byId(account)).toMatchObject({ ...gone, unlockRecord: new Uint8Array(0) });
    expect(accounts.requests.list()).toEqual([]);
    expect((await accounts.identity(account).catch(() => undefined))?.seq).toBe(undefined);
    expect(accounts.identityStatements(account)).toHaveLength(1);
    for (const attempt of [
      () => accounts.setState(account, 'active'),
      () => accounts.remove(account),
      () => accounts.setCredentials({ account, ...fresh, expectedAuthEpoch: 0 }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await accounts.create(newAccount('Anna', 2));
  }));

test('a name can be changed, to one that is free and reads like no other', () =>
  withTwo(async (accounts) => {
    const anna = await accounts.create(newAccount('anna', 1));
    await accounts.create(newAccount('alice', 2));
    await accounts.rename(anna.account, 'Anna.B');
    expect(await accounts.byName('anna.b')).toMatchObject({ account: anna.account, username: 'Anna.B' });
    await accounts.rename(anna.account, 'ANNA.B');
    for (const taken of ['Alice', 'a1ice', 'AIice'])
      await expect(accounts.rename(anna.account, taken)).rejects.toMatchObject({ code: 'EXISTS' });
    for (const odd of ['аnna', 'асе', 'an\u034Fna', 'an\u200Dna', 'anna\n', '\u202Eanna', 'Ꭺlice'])
      await expect(accounts.rename(anna.account, odd)).rejects.toMatchObject({ code: 'INVALID' });
    for (const good of ['Ольга', 'Ελένη', '山田たろう', '김민수', 'josé.1', 'محمد', 'דוד', '2.b', 'श्रीमान'])
      await accounts.rename(anna.account, good);
    expect((await accounts.byName('श्रीमान'))?.canonicalUsername).toBe(canonicalUsername('श्रीमान'));
  }));

test('an invite makes one account, however many come with it, and can be withdrawn before', () =>
  withTwo(async (accounts, other, time) => {
    const invite = { username: 'Anna', role: 'user', quotaBytes: 5, expiresAtMs: 2_000_000 } as const;
    const tokenHash = new Uint8Array(32).fill(1);
    await accounts.createInvite({ ...invite, tokenHash });
    await expect(accounts.createInvite({ ...invite, tokenHash })).rejects.toMatchObject({ code: 'EXISTS' });
    await expect(accounts.checkInvite(tokenHash, 'bert')).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const both = await Promise.allSettled([
      accounts.redeemInvite({ tokenHash, account: newAccount('anna', 1) }),
      other.redeemInvite({ tokenHash, account: newAccount('anna', 2) }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(accounts.revokeInvite(tokenHash)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(accounts.checkInvite(tokenHash, 'anna')).rejects.toMatchObject({ code: 'EXPIRED' });

    const next = new Uint8Array(32).fill(2);
    await expect(accounts.createInvite({ ...invite, tokenHash: next })).rejects.toMatchObject({ code: 'EXISTS' });
    await accounts.createInvite({ ...invite, username: null, tokenHash: next });
    await accounts.revokeInvite(next);
    await expect(accounts.checkInvite(next, 'bert')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await accounts.createInvite({ ...invite, username: null, tokenHash: next });
    time.ms = 2_000_000;
    await expect(accounts.checkInvite(next, 'bert')).rejects.toMatchObject({ code: 'EXPIRED' });
  }));
