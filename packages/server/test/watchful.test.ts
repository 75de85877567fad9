import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { newEntryId, systemClock, systemRandom } from '@coffer/core';
import { filePut, TestVault, type TestAccount, type TestDevice } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import {
  dial,
  frames,
  login,
  open,
  startLogin,
  TestDaemon,
  TestSite,
  untilTrue,
  type Greeted,
} from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

interface Person {
  readonly account: TestAccount;
  readonly device: TestDevice;
}

let site: TestSite;
let server: TestDaemon;
let root: Person;
let ann: Person;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  root = await site.addAccount('root', 1);
  ann = await site.addAccount('ann', 2);
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.setRole(root.account.account, 'admin');
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

async function session({ device }: Person, role: 'control' | 'bulk' = 'control'): Promise<Greeted> {
  return stack.use(await open(server.port, device, role));
}

const notificationsOf = async ({ connection }: Greeted) =>
  (await connection.request('notification.list', { before: null })).response.notifications;

const alertsOf = async ({ connection }: Greeted) =>
  (await connection.request('admin.alertList', { before: null })).response.alerts;

describe('sessions', () => {
  test('are listed with whose they are, and ended by their id', async () => {
    const [admin, user, bulk] = [await session(root), await session(ann), await session(ann, 'bulk')];
    const list = async () => (await admin.connection.request('admin.sessionList', { skip: 0 })).response.sessions;
    const mine = (await list()).filter(({ username }) => username === 'ann');
    expect(mine).toMatchObject([
      {
        account: ann.account.account,
        device: ann.device.device,
        deviceName: 'test device',
        scope: 'full',
        role: 'control',
      },
      { role: 'bulk', address: '127.0.0.1' },
    ]);
    const [control] = mine;
    await admin.connection.request('admin.sessionEnd', { session: control?.session ?? new Uint8Array(8) });
    await expect(user.connection.request('usage.show', {})).rejects.toMatchObject({ code: 'REFUSED' });
    await bulk.connection.request('usage.show', {});
    expect((await list()).filter(({ username }) => username === 'ann')).toHaveLength(1);
    const again = admin.connection.request('admin.sessionEnd', { session: control?.session ?? new Uint8Array(8) });
    await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(server.audit.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ event: 'admin.sessionEnd', phase: 'end', status: 'OK', subject: ann.account.account }),
    );
  });

  test('are nobody else’s business', async () => {
    const { connection } = await session(ann);
    const denied = { code: 'NOT_ALLOWED' };
    await expect(connection.request('admin.sessionList', { skip: 0 })).rejects.toMatchObject(denied);
    await expect(connection.request('admin.alertList', { before: null })).rejects.toMatchObject(denied);
    const logs = { categories: [], username: null, sinceMs: null, from: [], wait: false };
    await expect(connection.request('admin.logs', logs)).rejects.toMatchObject(denied);
    await expect(connection.request('admin.verifyAudit', { known: [] })).rejects.toMatchObject(denied);
    await untilTrue(async () =>
      (await alertsOf(await session(root))).some(({ kind, word }) => kind === 'denied' && word === 'admin.logs'),
    );
  });
});

describe('failed logins', () => {
  test('three in a row are told to the account and to administrators, once; a name that nobody has only to them', async () => {
    const [admin, user] = [await session(root), await session(ann)];
    const guess = async (name: string): Promise<void> => {
      await using greeted = await dial(server.port);
      await startLogin(greeted, name, 'wrong');
    };
    for (let n = 0; n < 6; n += 1) await guess('Ann');
    for (let n = 0; n < 3; n += 1) await guess('nobody');
    await untilTrue(async () => (await alertsOf(admin)).filter(({ kind }) => kind === 'failed-logins').length >= 3);
    const alerts = (await alertsOf(admin)).filter(({ kind }) => kind === 'failed-logins');
    expect(alerts.filter(({ word }) => word === 'by-name')).toMatchObject([
      { username: null, times: 1 },
      { username: 'ann', times: 1, figure: 3 },
    ]);
    expect(alerts.filter(({ word }) => word === 'by-address')).toMatchObject([{ username: null }]);
    const told = (await notificationsOf(user)).filter(({ kind }) => kind === 'failed-logins');
    expect(told).toMatchObject([{ times: 1, figure: 3, read: false, username: null }]);
    expect((await notificationsOf(admin)).map(({ kind, word }) => [kind, word])).toContainEqual([
      'alert',
      'failed-logins',
    ]);
    expect(admin.events.length).toBeGreaterThan(0);
    expect(JSON.stringify(server.audit)).not.toMatch(/nobody/i);

    // Whoever knows the password is let in all the same.
    await using right = await dial(server.port);
    expect(await login(right, 'ann')).toMatchObject({ serverProved: true });
  });

  test('an alert is acknowledged by the first who says so', async () => {
    const admin = await session(root);
    const [newest] = await alertsOf(admin);
    const id = newest?.id ?? 0;
    await admin.connection.request('admin.alertAck', { id });
    expect((await alertsOf(admin))[0]).toMatchObject({ id, acknowledgedBy: 'root' });
    const unknown = admin.connection.request('admin.alertAck', { id: 999_999 });
    await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('what is told to the account', () => {
  test('a job that fails three times in a row, and not one that is interrupted', async () => {
    const { connection, ...rest } = await session(ann);
    const job = systemRandom.bytes(16);
    const end = async (status: 'done' | 'failed' | 'interrupted'): Promise<void> => {
      await connection.request('job.begin', { job, mode: 'push' });
      await connection.request('job.end', { job, status, counts: {} });
    };
    const failing = async () =>
      (await notificationsOf({ connection, ...rest })).filter(({ kind }) => kind === 'job-failing');
    for (const status of ['failed', 'failed', 'done', 'failed', 'interrupted', 'failed'] as const) await end(status);
    expect(await failing()).toEqual([]);
    await end('failed');
    expect(await failing()).toMatchObject([{ device: ann.device.device, figure: 3, times: 1 }]);
    for (let n = 0; n < 7; n += 1) await end('failed');
    expect(await failing()).toMatchObject([{ figure: 10, times: 2 }]);
  });

  test('80 and 95 per cent of the quota, once each', async () => {
    const [admin, user] = [await session(root), await session(ann)];
    const vault = new TestVault({ owner: ann.account });
    await user.connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
    const quotas = async () => (await notificationsOf(user)).filter(({ kind }) => kind === 'quota');
    const put = async (bytes: number): Promise<void> => {
      const id = systemRandom.bytes(32);
      const data = frames([id, systemRandom.bytes(bytes)]);
      await user.connection.request('chunk.put', { vault: vault.id, kind: 'chunk' }, { data });
      const entry = newEntryId(systemClock, systemRandom);
      const file = filePut({ entry, name: `${bytes}`, uploader: ann.account.account, ids: [id] });
      const commit = vault.append({ by: ann.device, refs: [file.ref], operations: [file.operation] });
      await user.connection.request('vault.append', { vault: vault.id }, { data: frames(commit.bytes) });
    };
    const change = { username: 'ann', quotaBytes: 1_000_000, largestFileBytes: 'keep' } as const;
    await admin.connection.request('admin.userQuota', change);
    await put(700_000);
    expect(await quotas()).toEqual([]);
    await put(120_000);
    expect(await quotas()).toMatchObject([{ figure: 80 }]);
    await put(20_000);
    expect(await quotas()).toMatchObject([{ figure: 80, times: 1 }]);
    await put(130_000);
    expect(await quotas()).toMatchObject([{ figure: 95 }]);
    await admin.connection.request('admin.userQuota', { ...change, quotaBytes: null });
    await admin.connection.request('notification.list', { before: null });
    const told = (await quotas()).length;
    await put(1000);
    expect(await quotas()).toHaveLength(told);
  });
});

describe('the log is washed out by nobody', () => {
  const linesOf = (event: string) => server.audit.filter((line) => line.event.event === event);

  test('who begins and ends jobs all the time', async () => {
    const { connection } = await session(ann);
    const before = [linesOf('job.begin').length, linesOf('job.end').length];
    const job = systemRandom.bytes(16);
    for (let n = 0; n < 1000; n += 1) {
      await connection.request('job.begin', { job, mode: 'push' });
      await connection.request('job.end', { job, status: 'interrupted', counts: {} });
    }
    const lines = [linesOf('job.begin').length - (before[0] ?? 0), linesOf('job.end').length - (before[1] ?? 0)];
    expect(lines.every((count) => count > 500 && count < 700)).toBe(true);
  });

  test('who looks up names, or cancels nothing', async () => {
    const { connection } = await session(ann);
    const codes = new Set<string>();
    for (let n = 0; n < 300; n += 1)
      await connection
        .request('directory.lookUp', { username: 'root' })
        .catch((error: { code: string }) => codes.add(error.code));
    expect([...codes]).toEqual(['BUSY']);
    const lines = linesOf('directory.lookUp').length;
    expect([lines > 0, lines <= 61]).toEqual([true, true]);
    for (let n = 0; n < 3; n += 1) await connection.request('account.requestsCancel', {});
    expect(linesOf('account.requestsCancel')).toEqual([]);
  });
});

test.each([
  ['rests', { idleMs: 300, watchMs: 50 }, false],
  ['is old, however busy', { lifetimeMs: 700, watchMs: 50 }, true],
])('a session that %s ends; the same device proves itself anew', async (_name, limits, isBusy) => {
  const own = await TestSite.make(await tempFolder());
  const { device } = await own.addAccount('eve', 3);
  await using short = await TestDaemon.open(own, { limits });
  await using first = await open(short.port, device);
  await untilTrue(async () => {
    if (isBusy) await first.connection.request('usage.show', {}).catch(() => undefined);
    return first.connection.failure !== undefined;
  });
  await using again = await open(short.port, device);
  const { response } = await again.connection.request('usage.show', {});
  expect(response.storedBytes).toBe(0);
});
