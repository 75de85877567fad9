import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { idKey, isCofferError } from '@coffer/core';
import type { TestAccount, TestDevice } from '@coffer/journal/testing';
import { TestVault } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import {
  dial,
  frames,
  login,
  open,
  password,
  prove,
  startLogin,
  TestDaemon,
  TestSite,
  type Greeted,
} from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

// Whole daemons with real worker threads; a busy machine takes its time.
jest.setTimeout(60_000);

let site: TestSite;
let server: TestDaemon;
let ann: { account: TestAccount; device: TestDevice };
let sue: { account: TestAccount; device: TestDevice };
let stack: AsyncDisposableStack;

beforeAll(async () => {
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('Ann', 1);
  sue = await site.addAccount('sue', 2);
  server = await TestDaemon.open(site, { flags: { 'login.attemptsPerHour': 1000, 'login.addressPerHour': 1000 } });
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

async function greet(): Promise<Greeted> {
  return stack.use(await dial(server.port));
}

async function setState(account: TestAccount, state: 'active' | 'suspended'): Promise<void> {
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.setState(account.account, state);
}

async function refusal(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => 'accepted',
    (reason: unknown) => reason,
  );
  return isCofferError(error)
    ? { code: error.code, message: error.message, hint: error.hint, details: error.details }
    : error;
}

describe('a first login on a device', () => {
  test('password, own chain, unlock record, enrolment, proof, vaults', async () => {
    const greeted = await greet();
    const { connection } = greeted;
    const done = await login(greeted, 'aNN');
    expect(done).toEqual({ account: ann.account.account, serverProved: true });
    const chain = await connection.request('account.identity', { after: 0 });
    expect(chain.response.statements.map(idKey)).toEqual(ann.account.statements.map(idKey));
    expect((await connection.request('account.identity', { after: 1 })).response.statements).toHaveLength(
      ann.account.statements.length - 1,
    );
    expect((await connection.request('account.unlock', {})).response).toEqual({
      record: new Uint8Array(100).fill(9),
      authEpoch: 0,
      mustChange: false,
      folder: '',
    });
    const device = ann.account.enroll({ name: 'new laptop' });
    const statement = ann.account.statements.at(-1) ?? new Uint8Array(0);
    expect((await connection.request('device.enroll', { statement })).response.seq).toBe(ann.account.statements.length);
    expect(await prove(greeted, device)).toEqual({ username: 'Ann', role: 'user' });
    const vault = new TestVault({ owner: ann.account });
    await connection.request('vault.create', {}, { data: frames(vault.genesis.bytes) });
    expect((await connection.request('vault.list', {})).response.vaults).toHaveLength(1);
    await connection.request('session.end', {});
    await connection.closed;
  });

  test('enrolling takes device certificates only', async () => {
    const greeted = await greet();
    await login(greeted, 'ann');
    const revoke = greeted.connection.request('device.enroll', { statement: new Uint8Array(50) });
    await expect(revoke).rejects.toMatchObject({ code: 'INVALID' });
  });
});

describe('refusals', () => {
  test('wrong password, unknown name and suspended account cannot be told apart', async () => {
    await setState(sue.account, 'suspended');
    const seen: unknown[] = [];
    for (const [name, typed] of [
      ['ann', 'wrong password!'],
      ['nobody', password],
      ['sue', password],
    ] as const) {
      const started = await startLogin(await greet(), name, typed);
      expect(started.finished).toBeUndefined();
      seen.push([
        started.response.byteLength,
        started.account.byteLength,
        await refusal(login(await greet(), name, typed)),
      ]);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    expect(seen[0]).toMatchObject([320, 16, { code: 'REFUSED' }]);
    await setState(sue.account, 'active');
    expect((await login(await greet(), 'sue')).serverProved).toBe(true);
  });

  test('the id shown for an unknown name stays the same, however it is written', async () => {
    const one = await startLogin(await greet(), 'Nobody', password);
    const two = await startLogin(await greet(), 'nobody', password);
    expect(idKey(two.account)).toBe(idKey(one.account));
    expect((await startLogin(await greet(), 'no body/', password)).response).toHaveLength(320);
  });

  test('a proof made for one connection is worth nothing on another', async () => {
    const [here, there] = [await greet(), await greet()];
    const moved: Greeted = {
      ...here,
      connection: Object.create(here.connection, {
        exporter: { value: there.connection.exporter },
      }) as typeof here.connection,
    };
    Object.defineProperty(moved.connection, 'request', { value: here.connection.request.bind(here.connection) });
    Object.defineProperty(moved.connection, 'negotiated', { value: here.connection.negotiated });
    expect(await refusal(login(moved, 'ann'))).toMatchObject({ code: 'REFUSED' });
    expect(await refusal(prove({ ...moved }, ann.device))).toMatchObject({ code: 'REFUSED' });
    expect((await prove(here, ann.device)).username).toBe('Ann');
  });

  test('unknown devices, foreign devices and suspended accounts prove nothing, all alike', async () => {
    const stranger = { ...ann.device, device: new Uint8Array(16).fill(1) };
    const nobody = { ...ann.device, account: new Uint8Array(16).fill(2) };
    const thief = { ...ann.device, sign: sue.device.sign };
    await setState(sue.account, 'suspended');
    const seen: unknown[] = [];
    for (const device of [stranger, nobody, thief, sue.device]) seen.push(await refusal(prove(await greet(), device)));
    await setState(sue.account, 'active');
    expect(new Set(seen.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(seen[0]).toMatchObject({ code: 'REFUSED' });
  });

  test('a session ends when its account is suspended beside the daemon', async () => {
    const active = stack.use(await open(server.port, sue.device));
    const idle = stack.use(await open(server.port, sue.device));
    await setState(sue.account, 'suspended');
    expect(await refusal(active.connection.request('vault.list', {}))).toMatchObject({ code: 'REFUSED' });
    await idle.connection.closed;
    await setState(sue.account, 'active');
  });

  test('another version of the protocol is told so', async () => {
    const greeted = await greet();
    expect(greeted.connection.negotiated.byteLength).toBeGreaterThan(0);
    await expect(
      greeted.connection.request('session.hello', { protocol: 1, client: 'x', role: 'bulk' }),
    ).rejects.toBeDefined();
  });

  test('failed logins are in the log without names, and three of them raise an alert', async () => {
    const before = server.audit.length;
    for (let n = 0; n < 3; n += 1) await refusal(login(await greet(), 'somebody', 'not the password'));
    const lines = server.audit.slice(before);
    expect(lines.filter(({ category }) => category === 'auth').map(({ event }) => event.status)).toEqual([
      'REFUSED',
      'REFUSED',
      'REFUSED',
    ]);
    expect(lines.some(({ category, event }) => category === 'anomaly' && event.event === 'failed-logins')).toBe(true);
    expect(JSON.stringify(server.audit)).not.toMatch(/somebody|nobody|ann|sue/i);
  });
});

describe('limits', () => {
  test('a device has eight control connections and sixteen bulk ones, an account 32', async () => {
    const second = await site.addAccount('busy', 9);
    const opened: Greeted[] = [];
    for (let n = 0; n < 8; n += 1) opened.push(stack.use(await open(server.port, second.device)));
    await expect(open(server.port, second.device)).rejects.toMatchObject({ code: 'LIMIT', retryable: true });
    for (let n = 0; n < 16; n += 1) opened.push(stack.use(await open(server.port, second.device, 'bulk')));
    await expect(open(server.port, second.device, 'bulk')).rejects.toMatchObject({ code: 'LIMIT' });
    await opened[0]?.connection[Symbol.asyncDispose]();
    for (let tries = 0; ; tries += 1) {
      const again = await open(server.port, second.device).catch(() => undefined);
      if (again !== undefined) {
        stack.use(again);
        break;
      }
      expect(tries).toBeLessThan(50);
    }
  });
});
