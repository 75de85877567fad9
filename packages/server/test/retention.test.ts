import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { newEntryId, systemClock, systemRandom } from '@coffer/core';
import { putRef, TestVault, type TestAccount, type TestDevice } from '@coffer/journal/testing';
import { frames, open, TestDaemon, TestSite, enrol } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

let site: TestSite;
let server: TestDaemon;
let ann: { account: TestAccount; device: TestDevice };
let bob: { account: TestAccount; device: TestDevice };
let vault: TestVault;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 1);
  bob = await site.addAccount('bob', 2);
  server = await TestDaemon.open(site);
  vault = new TestVault({ owner: ann.account });
  await using greeted = await open(server.port, ann.device);
  await greeted.connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
});

afterAll(() => server[Symbol.asyncDispose]());

test('a member learns how long versions are kept, and which there are', async () => {
  await using greeted = await open(server.port, ann.device);
  const { connection } = greeted;
  const entry = newEntryId(systemClock, systemRandom);
  for (let count = 0; count < 2; count += 1) {
    const commit = vault.append({ by: ann.device, refs: [putRef(entry, { uploader: ann.account.account, ids: [] })] });
    await connection.request('vault.append', { vault: vault.id }, { data: frames(commit.bytes) });
  }
  const { response } = await connection.request('vault.retention', { vault: vault.id, policy: null });
  expect(response).toEqual({
    policy: { versions: 5, days: 90, trashDays: 30 },
    pending: null,
    hold: { on: false, sinceMs: null, reason: '', endsAtMs: null },
    expiring: { versions: 0, storedBytes: 0 },
  });
  const listed = await connection.request('version.list', { vault: vault.id, entry, after: 0 });
  expect(listed.response).toMatchObject({
    kept: [
      { seq: 2, ended: 'replaced', untilMs: null, purgeAtMs: null },
      { seq: 3, ended: null, endedAtMs: null },
    ],
    expired: [],
    more: false,
  });
  const rest = await connection.request('version.list', { vault: vault.id, entry, after: 2 });
  expect(rest.response.kept.map(({ seq }) => seq)).toEqual([3]);
});

test('a stranger does not learn that the vault exists', async () => {
  await using greeted = await open(server.port, bob.device);
  const { connection } = greeted;
  const entry = newEntryId(systemClock, systemRandom);
  const asked = connection.request('vault.retention', { vault: vault.id, policy: null });
  await expect(asked).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const listed = connection.request('version.list', { vault: vault.id, entry, after: 0 });
  await expect(listed).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a hold is the account’s own, and no worker’s', async () => {
  await using greeted = await open(server.port, ann.device);
  const { connection } = greeted;
  const on = await connection.request('account.hold', { on: true, reason: 'before the move' });
  expect(on.response).toMatchObject({ on: true, reason: 'before the move', endsAtMs: null });
  const worker = ann.account.enroll({ scope: 'worker', vaults: [vault.id] });
  await enrol(server.port, 'ann', ann.account.statements.slice(-1));
  await using other = await open(server.port, worker);
  const refused = other.connection.request('account.hold', { on: false, reason: '' });
  await expect(refused).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  const { response } = await connection.request('vault.retention', { vault: vault.id, policy: null });
  expect(response.hold).toMatchObject({ on: true, reason: 'before the move' });
});

test('a device that changes the hold without end fills no disk, and keeps no other device from it', async () => {
  const [one, other] = [bob.account.enroll(), bob.account.enroll()];
  await enrol(server.port, 'bob', bob.account.statements.slice(-2));
  await using greeted = await open(server.port, one);
  const change = (n: number) => greeted.connection.request('account.hold', { on: true, reason: `${n}` });
  for (let n = 0; n < 60; n += 1) await change(n);
  await expect(change(60)).rejects.toMatchObject({ code: 'BUSY' });
  await using second = await open(server.port, other);
  const { response } = await second.connection.request('account.hold', { on: true, reason: 'mine' });
  expect(response).toMatchObject({ on: true, reason: 'mine' });
});
