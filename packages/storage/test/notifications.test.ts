import { systemClock, systemRandom } from '@coffer/core';
import type { AccountId, Clock } from '@coffer/core';
import { TestAccount } from '@coffer/journal/testing';
import { describe, expect, test } from '@jest/globals';
import { Accounts, Storage } from '../src/index.ts';
import type { Notice, Notification } from '../src/index.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

const records = { registrationRecord: Uint8Array.of(1), unlockRecord: Uint8Array.of(2) };
const id = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

interface Scene {
  readonly accounts: Accounts;
  readonly anna: AccountId;
  readonly bert: AccountId;
  readonly time: { ms: number };
  /** Everything that is kept, newest first. */
  readonly all: (account: AccountId) => Promise<readonly Notification[]>;
}

async function withAccounts(work: (scene: Scene) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (path) => {
    const time = { ms: 1_000_000 };
    const clock: Clock = { ...systemClock, nowMs: () => time.ms };
    await Storage.init({ path, clock, random: systemRandom });
    await using accounts = await Accounts.open(path, { clock });
    const [anna, bert] = [new TestAccount(1), new TestAccount(2)];
    await accounts.create({ username: 'anna', role: 'user', ...records, identity: anna.statements });
    await accounts.create({ username: 'bert', role: 'user', ...records, identity: bert.statements });
    const all: Scene['all'] = async (account) =>
      (await accounts.notifications.list(account, { before: undefined, limit: 10_000 })).notifications;
    await work({ accounts, anna: anna.account, bert: bert.account, time, all });
  });
}

const shared = (actor: AccountId, vault: number): Notice => ({
  kind: 'shared',
  actor,
  vault: Buffer.alloc(32, String(vault).padStart(8, '0')),
  word: 'read',
});

describe('notifications', () => {
  test('are kept for one account, newest first, in pages', () =>
    withAccounts(async ({ accounts, anna, bert, time }) => {
      const { notifications } = accounts;
      for (let n = 1; n <= 5; n += 1) {
        time.ms += 1000;
        await notifications.add(anna, { kind: 'new-device', device: id(16, n), figure: n });
      }
      const page = await notifications.list(anna, { before: undefined, limit: 3 });
      expect(page).toMatchObject({ more: true, unread: 5 });
      expect(page.notifications.map((one) => [one.id, one.figure, one.atMs])).toEqual([
        [5, 5, 1_005_000],
        [4, 4, 1_004_000],
        [3, 3, 1_003_000],
      ]);
      expect(page.notifications[0]).toMatchObject({
        device: id(16, 5),
        vault: null,
        actor: null,
        word: null,
        times: 1,
      });
      const rest = await notifications.list(anna, { before: 3, limit: 3 });
      expect([rest.notifications.map((one) => one.id), rest.more]).toEqual([[2, 1], false]);
      expect(await notifications.list(bert, { before: undefined, limit: 3 })).toEqual({
        notifications: [],
        more: false,
        unread: 0,
      });
    }));

  test('are marked as read by their own account only', () =>
    withAccounts(async ({ accounts, anna, bert, all }) => {
      const { notifications } = accounts;
      for (let n = 1; n <= 4; n += 1) await notifications.add(anna, { kind: 'new-device', device: id(16, n) });
      expect(await notifications.markRead(anna, { first: 2, last: 2 })).toBe(3);
      await expect(notifications.markRead(bert, { first: 1, last: 9 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(notifications.markRead(anna, { first: 9, last: 9 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await all(anna)).map(({ read }) => read)).toEqual([false, false, true, false]);
      expect(await notifications.markRead(anna, { first: 0, last: 3 })).toBe(1);
    }));

  test('equal ones become one that is new again, unless it was read', () =>
    withAccounts(async ({ accounts, anna, bert, all }) => {
      const { notifications } = accounts;
      for (const figure of [3, 6, 9]) await notifications.add(anna, { kind: 'failed-logins', figure });
      await notifications.add(anna, shared(bert, 1));
      expect((await all(anna)).map((one) => [one.id, one.kind, one.times, one.figure])).toEqual([
        [4, 'shared', 1, null],
        [3, 'failed-logins', 3, 9],
      ]);
      await notifications.markRead(anna, { first: 3, last: 3 });
      await notifications.add(anna, { kind: 'failed-logins', figure: 12 });
      expect((await all(anna)).map((one) => [one.id, one.times])).toEqual([
        [5, 1],
        [4, 1],
        [3, 3],
      ]);
    }));

  test('one person cannot fill the list of another', () =>
    withAccounts(async ({ accounts, anna, bert, all }) => {
      for (let vault = 1; vault <= 100; vault += 1) await accounts.notifications.add(anna, shared(bert, vault));
      const kept = await all(anna);
      expect(kept).toHaveLength(20);
      expect(kept[0]).toMatchObject({ id: 100, times: 81, vault: null, actor: bert });
      expect(kept.reduce((sum, one) => sum + one.times, 0)).toBe(100);
    }));

  test('many people together push out neither what is of security nor what is new', () =>
    withAccounts(async ({ accounts, anna, all }) => {
      const { notifications } = accounts;
      await notifications.add(anna, { kind: 'new-device', device: id(16, 1) });
      for (let n = 0; n < 700; n += 1) await notifications.add(anna, shared(Buffer.alloc(16, `actor ${n}`), n));
      const kept = await all(anna);
      expect(kept).toHaveLength(500);
      expect(kept[0]?.id).toBe(701);
      expect(kept.at(-1)).toMatchObject({ id: 1, kind: 'new-device' });
    }));

  test('what was read goes first', () =>
    withAccounts(async ({ accounts, anna, all }) => {
      const { notifications } = accounts;
      for (let n = 0; n < 500; n += 1) await notifications.add(anna, shared(Buffer.alloc(16, `actor ${n}`), n));
      await notifications.markRead(anna, { first: 400, last: 401 });
      for (let n = 0; n < 3; n += 1) await notifications.add(anna, { kind: 'new-device', device: id(16, n) });
      const ids = (await all(anna)).map((one) => one.id);
      expect(ids).toHaveLength(500);
      expect([ids.includes(400), ids.includes(401), ids.includes(1), ids.includes(2)]).toEqual([
        false,
        false,
        false,
        true,
      ]);
    }));
});
