import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TestAccount, type TestDevice } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import { dial, enrol, login, open, TestDaemon, TestSite, type Greeted } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

let site: TestSite;
let server: TestDaemon;
let ann: { account: TestAccount; device: TestDevice };
let stack: AsyncDisposableStack;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 1);
  server = await TestDaemon.open(site);
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

async function loggedIn(): Promise<Greeted> {
  const greeted = stack.use(await dial(server.port));
  await login(greeted, 'ann');
  return greeted;
}

const authEpochOf = async ({ connection }: Greeted): Promise<number> =>
  (await connection.request('account.unlock', {})).response.authEpoch;

describe('devices', () => {
  test('are listed with when they were seen, for full devices', async () => {
    const { connection } = stack.use(await open(server.port, ann.device));
    const { devices } = (await connection.request('device.list', {})).response;
    expect(devices.map(({ device }) => device)).toEqual([ann.device.device]);
    expect(devices[0]?.lastSeenMs).toBeGreaterThan(1_700_000_000_000);
    const worker = ann.account.enroll({ scope: 'worker', vaults: [new Uint8Array(32)] });
    await enrol(server.port, 'ann', ann.account.statements.slice(-1));
    const other = stack.use(await open(server.port, worker));
    await expect(other.connection.request('device.list', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  });

  test('a proved device appends revocations, and neither devices nor keys: these are behind the password', async () => {
    const thief = (change: (twin: TestAccount) => void): Uint8Array => {
      const twin = new TestAccount(1, site.server);
      change(twin);
      return twin.statements.at(-1) ?? new Uint8Array(1);
    };
    const { connection } = stack.use(await open(server.port, ann.device));
    const device = connection.request('account.appendIdentity', { statement: thief((twin) => twin.enroll()) });
    await expect(device).rejects.toMatchObject({ code: 'INVALID' });
    const rotate = connection.request('account.appendIdentity', { statement: thief((twin) => twin.rotate()) });
    await expect(rotate).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('new keys and the secrets that go with them come together, or not at all; once', async () => {
    const greeted = await loggedIn();
    const authEpoch = await authEpochOf(greeted);
    await using accounts = await Accounts.open(site.storagePath);
    const { account } = ann.account;
    await accounts.setCertificate(account, new Uint8Array(40).fill(1));
    const known = ann.account.statements.length;
    const next = ann.account;
    next.rotate();
    const statement = next.statements.at(-1) ?? new Uint8Array(1);
    const record = new Uint8Array(200).fill(3);
    const rotate = (change: object = {}) =>
      greeted.connection.request('device.rotate', { statement, record, authEpoch, ...change });

    await expect(rotate({ authEpoch: authEpoch + 1 })).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(accounts.identityStatements(account)).toHaveLength(known);
    expect((await rotate()).response.seq).toBe(next.statements.length);
    // The answer was lost: the same again is no second change.
    expect((await rotate()).response.seq).toBe(next.statements.length);
    expect(await accounts.byId(account)).toMatchObject({
      authEpoch: authEpoch + 1,
      unlockRecord: record,
      certificate: null,
    });
    await expect(rotate({ record: new Uint8Array(9) })).rejects.toMatchObject({ code: 'CONFLICT' });

    // A device that was certified before goes on.
    const { connection } = stack.use(await open(server.port, ann.device));
    const { notifications } = (await connection.request('notification.list', { before: null })).response;
    expect(notifications[0]).toMatchObject({ kind: 'identity-changed', actor: null });
  });

  test('keys that a recovery found without their secrets are completed', async () => {
    const next = ann.account;
    next.rotate();
    const statement = next.statements.at(-1) ?? new Uint8Array(1);
    await using accounts = await Accounts.open(site.storagePath);
    await accounts.restoreIdentity(next.account, statement);
    const greeted = await loggedIn();
    const authEpoch = await authEpochOf(greeted);
    const record = new Uint8Array(200).fill(4);
    await greeted.connection.request('device.rotate', { statement, record, authEpoch });
    expect(await accounts.byId(next.account)).toMatchObject({ authEpoch: authEpoch + 1, unlockRecord: record });
  });
});
