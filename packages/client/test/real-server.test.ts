import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { rootEntry, systemClock, systemRandom } from '@coffer/core';
import { login, logout, openAccount, Profile } from '../src/index.ts';
import type { Account, LoginOptions, Trust, Vault } from '../src/index.ts';
import { noKeyring } from './support/keyring.ts';
import { password, RealServer } from './support/real-server.ts';

// A password is stretched several times here, and the machine may be busy.
jest.setTimeout(60_000);

let server: RealServer;
let folder: string;
let names = 0;

beforeAll(async () => {
  server = await RealServer.open();
  folder = mkdtempSync(join(tmpdir(), 'coffer-client-'));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('logging in', () => {
  test.each([
    ['a wrong password', { password: 'some other password' }],
    ['an unknown name', { target: { username: 'nobody' } }],
  ] as const)('%s is refused, and leaves nothing behind', async (_name, wrong) => {
    const profile = newProfile();
    const target = { ...server.target, ...('target' in wrong ? wrong.target : {}) };
    const options = { ...loginOptions(profile), ...wrong, target };
    await expect(login(options)).rejects.toMatchObject({ code: 'REFUSED' });
    expect(existsSync(profile.path)).toBe(false);
  });

  test('the first login makes the home vault, the next ones find it; the authority vouches', async () => {
    const first = await login(loginOptions(newProfile()));
    expect(first).toMatchObject({ username: 'ada', role: 'user', certified: true });
    const second = await login(loginOptions(newProfile()));
    expect(second).toMatchObject({ createdHome: false, certified: true });
  });

  test('an authority that did not sign the account is refused', async () => {
    const trust = { kind: 'pin', pin: server.pin, authority: systemRandom.bytes(32) } as const;
    await expect(login({ ...loginOptions(newProfile()), trust })).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  test('a second login in one profile is EXISTS', async () => {
    const profile = newProfile();
    await login(loginOptions(profile));
    await expect(login(loginOptions(profile))).rejects.toMatchObject({ code: 'EXISTS' });
  });

  test.each([
    ['the CA certificate', (): Trust => ({ kind: 'ca', certificate: server.certificatePem })],
    ['first use', (): Trust => ({ kind: 'firstUse', accept: () => Promise.resolve(true) })],
  ])('by %s pins the key', async (_name, trust) => {
    const profile = newProfile();
    await login({ ...loginOptions(profile), trust: trust() });
    expect(profile.record?.pin).toEqual(server.pin);
  });
});

describe('devices', () => {
  test('what one uploads another reads, and a worker reads and writes without the account keys', async () => {
    const bytes = randomBytes(3_000_000);
    const [full, worker] = [newProfile(), newProfile()];
    await login(loginOptions(full));
    await withHome(full, async (vault) => put(vault, { name: 'from a full device', bytes }));
    await login({ ...loginOptions(worker), keystore: 'file', deviceName: 'worker' });
    await withHome(worker, async (vault, account) => {
      expect(account.info.scope).toBe('worker');
      expect((await get(vault, '/from a full device')).equals(bytes)).toBe(true);
      await put(vault, { name: 'from a worker', bytes });
    });
    await withHome(full, async (vault) => {
      expect(await vault.pull()).toMatchObject({ voidCommits: 0, skippedOperations: 0 });
      expect((await get(vault, '/from a worker')).equals(bytes)).toBe(true);
    });
  });

  test('logging out revokes a full device, and its keys are of no use any more', async () => {
    const profile = newProfile();
    await login(loginOptions(profile));
    const kept = newProfile();
    cpSync(profile.path, kept.path, { recursive: true });
    expect(await logout({ profile, unlock })).toEqual({ revoked: true });
    expect(existsSync(profile.path)).toBe(false);
    const stolen = Profile.open({ home: folder, name: kept.name }, kept.deps);
    await using account = await openAccount({ profile: stolen, unlock });
    await expect(account.connect()).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  });

  test('a wrong password at logout still removes the keys', async () => {
    const profile = newProfile();
    await login(loginOptions(profile));
    expect(await logout({ profile, unlock: () => Promise.resolve('wrong') })).toEqual({ revoked: false });
    expect(existsSync(profile.path)).toBe(false);
  });

  test('usage counts what was stored; watching tells of what others append', async () => {
    const [watching, writing] = [newProfile(), newProfile()];
    await login(loginOptions(watching));
    await login(loginOptions(writing));
    await withHome(watching, async (vault, account) => {
      const stop = new AbortController();
      const events = vault.watch(stop.signal)[Symbol.asyncIterator]();
      await events.next();
      const before = (await account.usage()).files;
      await withHome(writing, (other) => put(other, { name: `noise ${names}`, bytes: randomBytes(1000) }));
      const { value } = await events.next();
      expect(value).toMatchObject({ seq: expect.any(Number) });
      expect((await vault.pull()).after).toBeGreaterThanOrEqual((value as { seq: number }).seq);
      expect((await account.usage()).files).toBe(before + 1);
      stop.abort();
      await expect(events.next()).rejects.toBeDefined();
    });
  });
});

test('the first login may be a worker; a server that is gone is UNREACHABLE at once', async () => {
  const other = await RealServer.open();
  const profile = newProfile();
  const trust = { kind: 'pin', pin: other.pin } as const;
  const info = await login({ ...loginOptions(profile), keystore: 'file', target: other.target, trust });
  expect(info).toMatchObject({ createdHome: true, certified: false });
  await withHome(profile, (vault) => put(vault, { name: 'first', bytes: randomBytes(10) }));
  await other[Symbol.asyncDispose]();
  await using account = await openAccount({ profile, unlock });
  expect(await account.reachability()).toMatchObject({ code: 'UNREACHABLE' });
});

function newProfile(): Profile {
  names += 1;
  return Profile.open(
    { home: folder, name: `device-${names}` },
    { clock: systemClock, random: systemRandom, keyring: noKeyring },
  );
}

function loginOptions(profile: Profile): LoginOptions {
  const trust = { kind: 'pin', pin: server.pin, authority: server.authority } as const;
  return { profile, target: server.target, password, keystore: 'password', trust, deviceName: profile.name };
}

function unlock(): Promise<string> {
  return Promise.resolve(password);
}

async function withHome(profile: Profile, work: (vault: Vault, account: Account) => Promise<void>): Promise<void> {
  await using account = await openAccount({ profile, unlock });
  const vault = await account.home();
  await vault.pull();
  await work(vault, account);
}

async function put(vault: Vault, { name, bytes }: { name: string; bytes: Uint8Array }): Promise<void> {
  const path = join(folder, 'upload');
  writeFileSync(path, bytes);
  await using uploader = await vault.uploader();
  const content = await uploader.upload({ path, size: bytes.byteLength });
  await using batch = vault.batch({ uploader });
  await batch.putFile({ parent: rootEntry, name, content, mtime: content.mtime, mode: content.mode });
  await batch.commit();
}

async function get(vault: Vault, path: string): Promise<Buffer> {
  const entry = vault.tree.lookup(path);
  await using downloader = await vault.downloader();
  const whole = Buffer.alloc(entry?.size ?? 0);
  await downloader.download(entry?.content ?? [], (offset, part) => whole.set(part, offset));
  return whole;
}
