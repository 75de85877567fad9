import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { TestAccount, TestDevice } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import { enrol, open, TestDaemon, TestSite, untilTrue, type Greeted } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

interface Person {
  readonly account: TestAccount;
  readonly device: TestDevice;
}

let site: TestSite;
let server: TestDaemon;
let ann: Person;
let bob: Person;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 1);
  bob = await site.addAccount('bob', 2);
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

async function session(device: TestDevice, role: 'control' | 'bulk' = 'control'): Promise<Greeted> {
  return stack.use(await open(server.port, device, role));
}

/** Enrols one more device over the network, as a login does. */
async function enrolDevice(person: Person, options: Parameters<TestAccount['enroll']>[0] = {}): Promise<TestDevice> {
  const device = person.account.enroll(options);
  await enrol(server.port, person === ann ? 'ann' : 'bob', person.account.statements.slice(-1));
  return device;
}

const list = async ({ connection }: Greeted) =>
  (await connection.request('notification.list', { before: null })).response;

describe('notifications', () => {
  test('a new device is told to the others, live and kept; nobody else hears of it', async () => {
    const [first, bulk, other] = [
      await session(ann.device),
      await session(ann.device, 'bulk'),
      await session(bob.device),
    ];
    const device = await enrolDevice(ann);
    await untilTrue(() => first.events.length > 0);
    const { notifications, unread } = await list(first);
    expect(first.events).toEqual([{ name: 'notification.arrived', message: { id: notifications[0]?.id } }]);
    expect(notifications[0]).toMatchObject({ kind: 'new-device', device: device.device, read: false, times: 1 });
    expect(unread).toBe(notifications.length);
    expect(bulk.events).toEqual([]);
    expect(other.events).toEqual([]);
    expect(await list(other)).toEqual({ notifications: [], more: false, unread: 0 });
  });

  test('are marked as read by their account, on any full device', async () => {
    const [first, second] = [await session(ann.device), await session(await enrolDevice(ann))];
    const id = (await list(first)).notifications[0]?.id ?? 0;
    const other = await session(bob.device);
    const forged = other.connection.request('notification.read', { first: 0, last: Number.MAX_SAFE_INTEGER });
    await expect(forged).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await second.connection.request('notification.read', { first: 0, last: id });
    expect(await list(first)).toMatchObject({ unread: 0 });
    expect((await list(first)).notifications.every(({ read }) => read)).toBe(true);
  });

  test('an unattended device neither reads nor marks nor hears them', async () => {
    const worker = await session(await enrolDevice(bob, { scope: 'worker', vaults: [new Uint8Array(32)] }));
    await expect(list(worker)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const marked = worker.connection.request('notification.read', { first: 0, last: 9 });
    await expect(marked).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const full = await session(bob.device);
    await enrolDevice(bob);
    await untilTrue(() => full.events.length > 0);
    expect(worker.events).toEqual([]);
  });

  test('name the actor as it is called now', async () => {
    await using accounts = await Accounts.open(site.storagePath);
    const notice = { kind: 'shared', actor: ann.account.account, vault: new Uint8Array(32).fill(5), word: 'read' };
    await accounts.notifications.add(bob.account.account, notice);
    await accounts.notifications.add(bob.account.account, { ...notice, actor: new Uint8Array(16).fill(1) });
    await accounts.notifications.add(bob.account.account, { kind: 'of-a-newer-server' });
    const { notifications } = await list(await session(bob.device));
    expect(notifications.slice(0, 2)).toMatchObject([
      { kind: 'shared', username: null },
      { kind: 'shared', username: 'ann', vault: notice.vault, word: 'read' },
    ]);
  });
});
