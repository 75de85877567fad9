import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { dayMs, idKey, sha256, systemRandom, timestampFromMs } from '@coffer/core';
import { makeCertificate } from '@coffer/journal';
import { TestVault, type TestAccount, type TestDevice } from '@coffer/journal/testing';
import { Accounts } from '@coffer/storage';
import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { frames, open, TestDaemon, TestSite, untilTrue, type Greeted } from './support/test-daemon.ts';
import { tempFolder } from './support/temp-folder.ts';

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

async function session({ device }: Person): Promise<Greeted> {
  return stack.use(await open(server.port, device));
}

const endOf = (event: string) =>
  server.audit.filter((line) => line.event.event === event && line.event.phase === 'end').at(-1)?.event;

test('a suspended account is out at once, and back when it is resumed', async () => {
  const { connection } = await session(root);
  const hers = await session(ann);
  await hers.connection.request('usage.show', {});
  await connection.request('admin.userState', { username: 'ANN', state: 'suspended' });
  await untilTrue(async () => hers.connection.failure !== undefined);
  await expect(session(ann)).rejects.toMatchObject({ code: 'REFUSED' });
  expect(endOf('admin.userState')).toMatchObject({ subject: ann.account.account, note: 'suspended', status: 'OK' });
  const { response } = await connection.request('admin.userShow', { username: 'ann' });
  expect(response).toMatchObject({ username: 'ann', state: 'suspended', certified: false, mustChange: false });
  expect(response.devices).toMatchObject([{ scope: 'full', revoked: false }]);
  await connection.request('admin.userState', { username: 'ann', state: 'active' });
  await session(ann);
});

test('the last administrator stays one', async () => {
  const { connection } = await session(root);
  const attempts = [
    connection.request('admin.userState', { username: 'root', state: 'suspended' }),
    connection.request('admin.userRole', { username: 'root', role: 'user' }),
    connection.request('admin.userRemove', { username: 'root' }),
  ];
  for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  await connection.request('admin.userRole', { username: 'ann', role: 'admin' });
  const hers = await session(ann);
  await hers.connection.request('admin.userRole', { username: 'root', role: 'user' });
  await expect(connection.request('admin.userShow', { username: 'ann' })).rejects.toMatchObject({
    code: 'NOT_ALLOWED',
  });
  await hers.connection.request('admin.userRole', { username: 'root', role: 'admin' });
  await connection.request('admin.userRole', { username: 'ann', role: 'user' });
});

test('with its owner a vault is gone for those who shared it', async () => {
  const bob = await site.addAccount('bob', 3);
  const { connection } = await session(root);
  const his = await session(bob);
  const vault = new TestVault({ owner: bob.account });
  await his.connection.request('vault.create', {}, { data: frames([vault.genesis.bytes]) });
  const shown = await connection.request('admin.userShow', { username: 'bob' });
  expect(shown.response.vaults).toEqual({ owned: 1, shared: 0, received: 0 });
  await connection.request('admin.userRemove', { username: 'bob' });
  await untilTrue(async () => his.connection.failure !== undefined);
  await expect(session(bob)).rejects.toMatchObject({ code: 'REFUSED' });
  const gone = connection.request('admin.userShow', { username: 'bob' });
  await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const { users } = (await connection.request('admin.userList', { skip: 0 })).response;
  expect(users.map(({ username }) => username)).toEqual(['ann', 'root']);
  // The name is free, and whoever takes it is somebody else.
  await site.addAccount('bob', 4);
});

test('an invite is made, listed without its token, and withdrawn', async () => {
  const { connection } = await session(root);
  const token = systemRandom.bytes(24);
  const asked = { tokenHash: sha256(token), username: 'carol', role: 'user', quotaBytes: 5, validMs: dayMs } as const;
  const made = (await connection.request('admin.inviteCreate', asked)).response;
  const { invites, makers } = (await connection.request('admin.inviteList', {})).response;
  const { account: createdBy } = root.account;
  expect(invites).toMatchObject([{ username: 'carol', role: 'user', quotaBytes: 5, usedAtMs: null, createdBy }]);
  expect(makers).toEqual([{ account: createdBy, username: 'root' }]);
  expect(idKey(invites[0]?.id ?? token)).toBe(idKey(made.id));
  const taken = connection.request('admin.inviteCreate', { ...asked, tokenHash: sha256(made.id), username: 'Ann' });
  await expect(taken).rejects.toMatchObject({ code: 'EXISTS' });
  const forever = connection.request('admin.inviteCreate', { ...asked, validMs: 1000 * dayMs });
  await expect(forever).rejects.toMatchObject({ code: 'INVALID' });
  await connection.request('admin.inviteRevoke', { id: made.id });
  await expect(connection.request('admin.inviteRevoke', { id: made.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test("only the server's own authority certifies, and only what is so", async () => {
  const { connection } = await session(root);
  const authority = signingKeys();
  const origin = {
    v: 1,
    authority: authority.publicKey,
    server: site.server,
    at: timestampFromMs(Date.now()),
  } as const;
  const recovery = makeCertificate({ ...origin, type: 'recovery', sealKey: new Uint8Array(1216) }, authority.sign);
  const { account, fingerprint } = ann.account.state;
  const about = { ...origin, type: 'identity', account, fingerprint, username: 'ann' } as const;
  const certify = (certificate: Uint8Array) =>
    connection.request('admin.userCertify', { username: 'ann', certificate });
  const good = makeCertificate(about, authority.sign);
  await expect(certify(good)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await using accounts = await Accounts.open(site.storagePath);
  await accounts.setSetting('recoveryCertificate', recovery);
  const other = signingKeys();
  for (const wrong of [
    makeCertificate({ ...about, username: 'bob' }, authority.sign),
    makeCertificate({ ...about, fingerprint: sha256(fingerprint) }, authority.sign),
    makeCertificate({ ...about, account: root.account.account }, authority.sign),
    makeCertificate({ ...about, authority: other.publicKey }, other.sign),
    recovery,
  ])
    await expect(certify(wrong)).rejects.toMatchObject({ code: 'INVALID' });
  await expect(certify(makeCertificate(about, other.sign))).rejects.toMatchObject({ code: 'INTEGRITY' });
  await certify(good);
  const shown = await connection.request('admin.userShow', { username: 'ann' });
  expect(shown.response.certified).toBe(true);
});

function signingKeys(): { publicKey: Uint8Array; sign: (bytes: Uint8Array) => Uint8Array } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return { publicKey: raw, sign: (bytes) => new Uint8Array(signBytes(null, bytes, privateKey)) };
}
