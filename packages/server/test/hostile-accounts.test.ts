import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { client as opaqueClient, ready as opaqueReady } from '@serenity-kit/opaque';
import { idKey, sha256, systemRandom } from '@coffer/core';
import { signedBytes } from '@coffer/journal';
import { TestAccount, type TestDevice } from '@coffer/journal/testing';
import { resetProof, resetProofLabel } from '@coffer/protocol';
import { Accounts } from '@coffer/storage';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { dial, open, openBehindPassword, TestDaemon, TestSite, type Greeted } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

jest.setTimeout(60_000);

let site: TestSite;
let server: TestDaemon;
let ann: { account: TestAccount; device: TestDevice };
let eve: { account: TestAccount; device: TestDevice };
let root: { account: TestAccount; device: TestDevice };
let stack: AsyncDisposableStack;

beforeAll(async () => {
  await opaqueReady;
  site = await TestSite.make(await tempFolder());
  ann = await site.addAccount('ann', 2);
  eve = await site.addAccount('eve', 3);
  await site.addAccount('finn', 4);
  root = await site.addAccount('root', 1);
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.setRole(root.account.account, 'admin');
  const flags = { 'login.attemptsPerHour': 1000, 'login.addressPerHour': 1000 };
  server = await TestDaemon.open(site, { flags });
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

const stranger = async (): Promise<Greeted> => stack.use(await dial(server.port));
const word = (): Uint8Array =>
  new Uint8Array(Buffer.from(opaqueClient.startRegistration({ password: 'x' }).registrationRequest, 'base64url'));

async function invite(username: string | null): Promise<Uint8Array> {
  const token = systemRandom.bytes(24);
  await using accounts = await Accounts.open(site.storagePath);
  const asked = { username, role: 'user', quotaBytes: null, expiresAtMs: Date.now() + 60_000 } as const;
  await accounts.createInvite({ ...asked, tokenHash: sha256(token) });
  return token;
}

test('without a good invite nobody learns who exists', async () => {
  const codes: string[] = [];
  for (const token of [null, systemRandom.bytes(24)])
    for (const username of ['ann', 'nobody'])
      codes.push(
        await (await stranger()).connection.request('account.registerStart', { username, token, request: word() }).then(
          () => 'OK',
          (error: { code: string }) => error.code,
        ),
      );
  expect(codes).toEqual(['NOT_ALLOWED', 'NOT_ALLOWED', 'NOT_FOUND', 'NOT_FOUND']);
});

test('an identity of another id, server or key makes no account, and the invite stays good', async () => {
  const token = await invite(null);
  const finish = async (statementOf: (id: Uint8Array) => Uint8Array): Promise<string> => {
    const { connection } = await stranger();
    const asked = { username: 'carl', token, request: word() };
    const { account } = (await connection.request('account.registerStart', asked)).response;
    const made = { record: new Uint8Array(192), unlockRecord: new Uint8Array(10), statement: statementOf(account) };
    return await connection.request('account.registerFinish', made).then(
      () => 'OK',
      (error: { code: string }) => error.code,
    );
  };
  const [mine = new Uint8Array(0)] = new TestAccount(7, site.server).statements;
  expect(await finish(() => mine)).toBe('INVALID');
  expect(await finish(() => ann.account.statements[0] ?? mine)).toBe('INVALID');
  expect(await finish(() => systemRandom.bytes(100))).not.toBe('OK');
  await using accounts = await Accounts.open(site.storagePath);
  expect(await accounts.byName('carl')).toBe(undefined);
  await accounts.checkInvite(sha256(token), 'carl');
});

test('the id of an account that is made is the server’s to choose: nobody asks about the login of another', async () => {
  const token = await invite(null);
  const { connection } = await stranger();
  const asked = { username: 'dora', token, request: word() };
  const one = (await connection.request('account.registerStart', asked)).response;
  expect(idKey(one.account)).not.toBe(idKey(ann.account.account));
  const other = (await (await stranger()).connection.request('account.registerStart', asked)).response;
  expect(idKey(other.account)).not.toBe(idKey(one.account));
});

test('a reset answers for everybody alike, and its token opens nothing before it was approved', async () => {
  const token = systemRandom.bytes(32);
  const ask = async (username: string) => {
    const { connection } = await stranger();
    const asked = { username, ephemeralKey: systemRandom.bytes(1216), tokenHash: sha256(token) };
    return (await connection.request('account.resetRequest', asked)).response;
  };
  const [known, unknown] = [await ask('ann'), await ask('nobody')];
  expect(idKey(known.account)).toBe(idKey(ann.account.account));
  expect(idKey((await ask('nobody')).account)).toBe(idKey(unknown.account));
  for (const { request } of [known, unknown]) {
    const { connection } = await stranger();
    const { response } = await connection.request('account.resetStatus', { request, token });
    expect(response).toEqual({ state: 'open', activeAtMs: null, reason: '' });
  }
  await using accounts = await Accounts.open(site.storagePath);
  const { request } = known;
  const codeOf = async (shown: { request: Uint8Array; token: Uint8Array }): Promise<string> =>
    await (await stranger()).connection.request('account.resetOpen', shown).then(
      () => 'OK',
      (error: { code: string }) => error.code,
    );
  expect(await codeOf({ request: unknown.request, token })).toBe('REFUSED');
  expect(await codeOf({ request, token })).toBe('CONFLICT');
  accounts.requests.approveReset({ request, by: null, sealed: new Uint8Array(1169), verifiedInPerson: true });
  expect(await codeOf({ request, token: systemRandom.bytes(32) })).toBe('REFUSED');
  expect(server.audit.some(({ event }) => event.event === 'account.resetRequest' && event.account !== undefined)).toBe(
    true,
  );
});

test('who was let in by a reset still needs the key of the identity, and one question about the login is all', async () => {
  const token = systemRandom.bytes(32);
  const asked = { username: 'ann', ephemeralKey: systemRandom.bytes(1216), tokenHash: sha256(token) };
  const { account, request } = (await (await stranger()).connection.request('account.resetRequest', asked)).response;
  await using accounts = await Accounts.open(site.storagePath);
  accounts.requests.approveReset({ request, by: null, sealed: new Uint8Array(1169), verifiedInPerson: true });
  const hers = stack.use(await open(server.port, ann.device));
  const { connection } = await stranger();
  await connection.request('account.resetOpen', { request, token });
  const [record, unlockRecord] = [new Uint8Array(192), new Uint8Array(10)];
  const proof = (fields: { request: Uint8Array; record: Uint8Array }) =>
    ann.account.identityKey.sign(
      signedBytes(resetProofLabel, resetProof({ server: site.server, account, unlockRecord, ...fields })),
    );
  const right = { record, unlockRecord, proof: proof({ request, record }) };
  await expect(connection.request('account.resetFinish', right)).rejects.toMatchObject({ code: 'REFUSED' });
  await connection.request('account.resetStart', { request: word() });
  await expect(connection.request('account.resetStart', { request: word() })).rejects.toMatchObject({
    code: 'REFUSED',
  });
  for (const wrong of [
    systemRandom.bytes(64),
    proof({ request: systemRandom.bytes(16), record }),
    proof({ request, record: new Uint8Array(1) }),
  ])
    await expect(connection.request('account.resetFinish', { ...right, proof: wrong })).rejects.toMatchObject({
      code: 'REFUSED',
    });
  expect((await accounts.byId(account))?.authEpoch).toBe(0);
  await connection.request('account.resetFinish', right);
  expect((await accounts.byId(account))?.authEpoch).toBe(1);
  await expect(hers.connection.request('usage.show', {})).rejects.toBeDefined();
  await expect(connection.request('account.resetFinish', right)).rejects.toBeDefined();
});

test('however often strangers ask, nobody learns who exists, and the person is told once', async () => {
  const token = systemRandom.bytes(32);
  const ask = async (username: string) => {
    await using one = await dial(server.port);
    const { connection } = one;
    const asked = { username, ephemeralKey: systemRandom.bytes(1216), tokenHash: sha256(token) };
    return (await connection.request('account.resetRequest', asked)).response.request;
  };
  const stateOf = async (request: Uint8Array) =>
    (await (await stranger()).connection.request('account.resetStatus', { request, token })).response;
  const session = stack.use(await open(server.port, eve.device));
  const states: unknown[] = [];
  for (const username of ['eve', 'nobody']) {
    const first = await ask(username);
    for (let n = 0; n < 4; n += 1) await Promise.all(Array.from({ length: 10 }, () => ask(username)));
    states.push(await stateOf(first));
  }
  expect(states[0]).toEqual(states[1]);
  const { notifications } = (await session.connection.request('notification.list', { before: null })).response;
  expect(notifications).toMatchObject([{ kind: 'recovery-started', times: 41, request: null }]);
});

test('a database that takes nothing fails a reset of nobody', async () => {
  const ask = async (username: string) => {
    const { connection } = await stranger();
    const asked = { username, ephemeralKey: systemRandom.bytes(1216), tokenHash: systemRandom.bytes(32) };
    return Object.keys((await connection.request('account.resetRequest', asked)).response);
  };
  using db = new DatabaseSync(join(site.storagePath, 'accounts.db'));
  db.exec('BEGIN IMMEDIATE');
  const answers = [await ask('eve'), await ask('nobody')];
  db.exec('ROLLBACK');
  expect(answers[0]).toEqual(answers[1]);
  expect(server.audit.at(-2)?.event).toMatchObject({ event: 'account.resetRequest', status: 'BUSY' });
});

test('an approved reset asks about the login a few times, and a few resets together not many', async () => {
  const token = systemRandom.bytes(32);
  const asked = { username: 'finn', ephemeralKey: systemRandom.bytes(1216), tokenHash: sha256(token) };
  await using accounts = await Accounts.open(site.storagePath);
  const answered: number[] = [];
  const codes = new Set<string>();
  for (let n = 0; n < 3; n += 1) {
    const { request } = (await (await stranger()).connection.request('account.resetRequest', asked)).response;
    accounts.requests.approveReset({ request, by: null, sealed: new Uint8Array(1169), verifiedInPerson: true });
    let count = 0;
    for (let tries = 0; tries < 8; tries += 1) {
      const { connection } = await stranger();
      await connection.request('account.resetOpen', { request, token });
      const start = connection.request('account.resetStart', { request: word() });
      const code = await start.then(
        () => 'OK',
        (error: { code: string }) => error.code,
      );
      codes.add(code);
      if (code === 'OK') count += 1;
    }
    answered.push(count);
  }
  expect(answered).toEqual([5, 5, 0]);
  expect([...codes]).toEqual(['OK', 'BUSY']);
});

test('a new password is finished once for each time it was begun; the account hears that it was asked for', async () => {
  const { connection } = stack.use(await openBehindPassword(server.port, 'eve', eve.device));
  const change = { record: new Uint8Array(192), unlockRecord: new Uint8Array(10), authEpoch: 0 };
  const finish = async (): Promise<string> =>
    await connection.request('account.passwordFinish', change).then(
      ({ response }) => (response.request === null ? 'in force' : 'asked'),
      (error: { code: string }) => error.code,
    );
  const begin = async () => (await connection.request('account.passwordStart', { request: word() })).response;
  expect(await finish()).toBe('REFUSED');
  expect((await begin()).unlockRecord).toEqual(new Uint8Array(100).fill(9));
  expect([await finish(), await finish()]).toEqual(['asked', 'REFUSED']);
  await begin();
  expect(await finish()).toBe('asked');
  // The second has taken the place of the first.
  const { requests } = (await connection.request('account.requests', {})).response;
  expect(requests.filter(({ kind }) => kind === 'password-change')).toMatchObject([{ state: 'open' }]);
  const { notifications } = (await connection.request('notification.list', { before: null })).response;
  expect(notifications[0]).toMatchObject({ kind: 'change-requested', device: eve.device.device, times: 2 });
  expect((await connection.request('account.requestsCancel', {})).response.cancelled).toBeGreaterThan(0);
  expect(server.audit.filter(({ event }) => event.event === 'account.requestsCancel')).toHaveLength(1);
});

test('a login by password is no reset, and a worker neither renames nor sets a password', async () => {
  const worker = ann.account.enroll({ scope: 'worker' });
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.appendIdentity(ann.account.account, ann.account.statements.at(-1) ?? new Uint8Array(0));
  const { connection } = stack.use(await open(server.port, worker));
  const record = new Uint8Array(192);
  for (const attempt of [
    () => connection.request('account.rename', { username: 'other' }),
    () => connection.request('account.passwordStart', { request: word() }),
    () => connection.request('account.passwordFinish', { record, unlockRecord: record, authEpoch: 1 }),
    // Whoever takes an unattended machine must not keep its owner from a new password.
    () => connection.request('account.requestsCancel', {}),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
});

test('a password that was changed beside the daemon ends the sessions that ask nothing', async () => {
  const session = stack.use(await open(server.port, root.device));
  await using accounts = await Accounts.open(site.storagePath);
  const { account } = root.account;
  const records = { registrationRecord: new Uint8Array(192), unlockRecord: new Uint8Array(10) };
  await accounts.setCredentials({ account, ...records, expectedAuthEpoch: 0 });
  await expect(session.connection.closed).resolves.toBeUndefined();
});

test('an unlocked device sets no password, nor one that logged in as somebody else', async () => {
  const change = { record: new Uint8Array(192), unlockRecord: new Uint8Array(10), authEpoch: 0 };
  const unlocked = await open(server.port, eve.device);
  const other = await openBehindPassword(server.port, 'finn', eve.device);
  for (const { connection } of [stack.use(unlocked), stack.use(other)]) {
    await expect(connection.request('account.passwordStart', { request: word() })).rejects.toMatchObject({
      code: 'REFUSED',
      message: 'the password that is in force was not proved on this connection',
    });
    await expect(connection.request('account.passwordFinish', change)).rejects.toMatchObject({ code: 'REFUSED' });
  }
});

test('names and login questions are tried a few times an hour, not thousands', async () => {
  const { connection } = stack.use(await openBehindPassword(server.port, 'eve', eve.device));
  const codes = new Set<string>();
  for (let n = 0; n < 30; n += 1)
    await connection
      .request('account.rename', { username: 'root' })
      .catch((error: { code: string }) => codes.add(error.code));
  for (let n = 0; n < 30; n += 1)
    await connection
      .request('account.passwordStart', { request: word() })
      .catch((error: { code: string }) => codes.add(error.code));
  expect([...codes].toSorted((a, b) => a.localeCompare(b))).toEqual(['BUSY', 'EXISTS']);
});
