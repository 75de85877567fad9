import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { minuteMs } from '@coffer/core';
import type { AccountId, VaultId } from '@coffer/core';
import type { Notifications } from '../src/notifications/notifications.ts';
import { ChangeDigest } from '../src/notifications/change-digest.ts';
import { ManualClock } from './support/manual-clock.ts';

const account = (fill: number): AccountId => new Uint8Array(16).fill(fill);
const vaultOf = (fill: number): VaultId => new Uint8Array(32).fill(fill);
const [alice, bob, carol] = [account(1), account(2), account(3)];
const [docs, photos] = [vaultOf(8), vaultOf(9)];

interface Told {
  readonly to: AccountId;
  readonly actor: AccountId | null | undefined;
  readonly times: number | null | undefined;
}

let clock: ManualClock;
let stopping: AbortController;
let told: Told[];
let digest: ChangeDigest;

beforeEach(() => {
  clock = new ManualClock(0);
  stopping = new AbortController();
  told = [];
  const notify: Notifications['notify'] = (to, { actor, times }) => {
    told.push({ to, actor, times });
    return Promise.resolve();
  };
  digest = new ChangeDigest({ clock, notifications: { notify }, stopping: stopping.signal });
});

afterEach(() => stopping.abort());

const tenMinutes = (): Promise<void> => clock.moveTo(clock.nowMs() + 10 * minuteMs);

async function change(actor: AccountId, vault: VaultId, times = 1): Promise<void> {
  for (let count = 0; count < times; count += 1) await digest.changed({ owner: alice, actor, vault });
}

describe('changes by others in a vault', () => {
  test('the first is told at once, those of the ten minutes after it as one', async () => {
    await change(bob, docs);
    expect(told).toEqual([{ to: alice, actor: bob, times: 1 }]);
    await change(bob, docs, 100);
    expect(told).toHaveLength(1);
    await tenMinutes();
    expect(told).toEqual([
      { to: alice, actor: bob, times: 1 },
      { to: alice, actor: bob, times: 100 },
    ]);
  });

  test('whoever goes on is told every ten minutes; after a pause the next is a first one again', async () => {
    await change(bob, docs, 2);
    await tenMinutes();
    await change(bob, docs, 3);
    await tenMinutes();
    await tenMinutes();
    await change(bob, docs);
    expect(told.map(({ times }) => times)).toEqual([1, 1, 3, 1]);
  });

  test('people and vaults are counted apart', async () => {
    await change(bob, docs, 2);
    await change(carol, docs, 3);
    await change(bob, photos);
    await tenMinutes();
    expect(told.map(({ actor, times }) => [actor === carol, times])).toEqual([
      [false, 1],
      [true, 1],
      [false, 1],
      [false, 1],
      [true, 2],
    ]);
  });

  test('the owner’s own are told to nobody', async () => {
    await change(alice, docs, 5);
    await tenMinutes();
    expect(told).toEqual([]);
  });

  test('a server that stops tells nothing further', async () => {
    await change(bob, docs, 4);
    stopping.abort(new Error('stopping'));
    await tenMinutes();
    expect(told.map(({ times }) => times)).toEqual([1]);
  });
});
