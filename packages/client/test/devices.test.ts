import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { rootEntry, systemClock, systemRandom } from '@coffer/core';
import type { DeviceId } from '@coffer/core';
import { hasEscrow, sealKeystore } from '@coffer/crypto';
import { Accounts } from '@coffer/storage';
import { login, openAccount, Profile, revokeOwn } from '../src/index.ts';
import type { Account, LoginOptions, Vault } from '../src/index.ts';
import { createTlsDial } from '../src/connection/dial.ts';
import type { Dial } from '../src/index.ts';
import { noKeyring } from './support/keyring.ts';
import { password, RealServer } from './support/real-server.ts';

// A password is stretched many times here, and the machine may be busy.
jest.setTimeout(180_000);

let server: RealServer;
let folder: string;
let names = 0;

beforeAll(async () => {
  server = await RealServer.open();
  folder = mkdtempSync(join(tmpdir(), 'coffer-devices-'));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const unlock = (): Promise<string> => Promise.resolve(password);

async function device(username: string, keystore: LoginOptions['keystore'] = 'password'): Promise<Profile> {
  const profile = openProfile(`device-${(names += 1)}`);
  const trust = { kind: 'pin', pin: server.pin, authority: server.authority } as const;
  const target = { ...server.target, username };
  await login({ profile, target, password, keystore, trust, deviceName: profile.name });
  return openProfile(profile.name);
}

function openProfile(name: string): Profile {
  return Profile.open({ home: folder, name }, { clock: systemClock, random: systemRandom, keyring: noKeyring });
}

/** As a new process has it. */
async function withHome<Result>(
  { name }: Profile,
  work: (vault: Vault, account: Account) => Promise<Result>,
): Promise<Result> {
  await using account = await openAccount({ profile: openProfile(name), unlock });
  const vault = await account.home();
  await vault.pull();
  return await work(vault, account);
}

async function put(profile: Profile, name: string): Promise<void> {
  const path = join(folder, 'upload');
  writeFileSync(path, `this is ${name}`);
  await withHome(profile, async (vault) => {
    await using uploader = await vault.uploader();
    const content = await uploader.upload({ path, size: `this is ${name}`.length });
    await using batch = vault.batch({ uploader });
    await batch.putFile({ parent: rootEntry, name, content, mtime: content.mtime, mode: content.mode });
    await batch.commit();
  });
}

const get = async (profile: Profile, name: string): Promise<string> =>
  await withHome(profile, async (vault) => {
    const entry = vault.tree.lookup(`/${name}`);
    await using downloader = await vault.downloader();
    const whole = Buffer.alloc(entry?.size ?? 0);
    await downloader.download(entry?.content ?? [], (offset, part) => whole.set(part, offset));
    return whole.toString();
  });

const idOf = (profile: Profile): DeviceId => openProfile(profile.name).requireRecord().device;

const revoke = async (by: Profile, gone: Profile, dial?: Dial) =>
  await revokeOwn({ profile: openProfile(by.name), device: idOf(gone), password: unlock }, undefined, dial);

test('a worker that is revoked is cut off, and its vault gets a key that it does not hold', async () => {
  await server.addAccount('wilma');
  const [full, gone, other] = [await device('wilma'), await device('wilma', 'file'), await device('wilma', 'file')];
  await put(full, 'before');
  const listed = await withHome(full, (_vault, account) => account.ownDevices.list());
  expect(listed.map(({ name, scope, current, revoked }) => [name, scope, current, revoked])).toEqual([
    [full.name, 'full', true, false],
    [gone.name, 'worker', false, false],
    [other.name, 'worker', false, false],
  ]);
  expect(listed[0]?.lastSeenMs).toBeGreaterThan(listed[0]?.enrolledAtMs ?? 0);
  const epochOf = (profile: Profile) =>
    withHome(profile, async (vault) => (vault as never as { state: { epoch: number } }).state.epoch);
  const before = await epochOf(full);

  expect(await revoke(full, gone)).toEqual({
    scope: 'worker',
    wasRevoked: false,
    rotated: false,
    vaults: 1,
    lostTeams: [],
  });
  expect(await epochOf(full)).toBe(before + 1);
  await expect(get(gone, 'before')).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  await put(full, 'after');
  expect([await get(other, 'before'), await get(other, 'after')]).toEqual(['this is before', 'this is after']);
  await put(other, 'by the other');
  expect(await get(full, 'by the other')).toBe('this is by the other');
  // Again: nothing is left to do.
  expect(await revoke(full, gone)).toEqual({
    scope: 'worker',
    wasRevoked: true,
    rotated: false,
    vaults: 0,
    lostTeams: [],
  });
  await expect(revoke(full, full)).rejects.toMatchObject({ code: 'INVALID' });
  const byWorker = withHome(other, (_vault, account) => account.ownDevices.revoke(idOf(full)));
  await expect(byWorker).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
});

test('a worker whose revocation was interrupted is cut off, however wrong the clock of the device that revoked it', async () => {
  await server.addAccount('bam');
  const [full, gone] = [await device('bam'), await device('bam', 'file')];
  await put(full, 'before');
  const clock = { ...systemClock, nowMs: () => Date.now() - 24 * 3_600_000 };
  const profile = Profile.open({ home: folder, name: full.name }, { clock, random: systemRandom, keyring: noKeyring });
  const honest = createTlsDial({ clock });
  let dials = 0;
  // The second connection would give the vaults their new keys.
  const dial: Dial = async (...where) => {
    dials += 1;
    if (dials > 1) throw new TypeError('the line is cut');
    return await honest(...where);
  };
  await expect(revokeOwn({ profile, device: idOf(gone), password: unlock }, undefined, dial)).rejects.toThrow('is cut');
  expect(await revoke(full, gone)).toEqual({
    scope: 'worker',
    wasRevoked: true,
    rotated: false,
    vaults: 1,
    lostTeams: [],
  });
  expect(await revoke(full, gone)).toEqual({
    scope: 'worker',
    wasRevoked: true,
    rotated: false,
    vaults: 0,
    lostTeams: [],
  });
});

test('a stolen full device: new keys for the account and its vault; the other devices take them over', async () => {
  await server.addAccount('fred');
  const [laptop, desk, phone, nightly] = [
    await device('fred'),
    await device('fred'),
    await device('fred'),
    await device('fred', 'file'),
  ];
  await put(laptop, 'before');
  const thief = openProfile('thief');
  cpSync(phone.path, thief.path, { recursive: true });
  const before = await withHome(laptop, async (_vault, account) => account.info.account);

  expect(await revoke(laptop, phone)).toEqual({
    scope: 'full',
    wasRevoked: false,
    rotated: true,
    vaults: 1,
    lostTeams: [],
  });
  await expect(get(thief, 'before')).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  expect(existsSync(openProfile(laptop.name).rotationPath)).toBe(false);
  expect(await get(laptop, 'before')).toBe('this is before');
  await put(laptop, 'after');
  // An unattended device goes on to send; what is stored with the new keys it reads when it has logged in again.
  expect(await get(nightly, 'before')).toBe('this is before');
  await expect(get(nightly, 'after')).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  await put(nightly, 'by the worker');

  // Another device learns of it with what it does next, and goes on with the password.
  await expect(get(desk, 'before')).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  for (const name of ['before', 'after', 'by the worker']) expect(await get(desk, name)).toBe(`this is ${name}`);
  await put(desk, 'by the desk');
  expect(await get(laptop, 'by the desk')).toBe('this is by the desk');
  // The account is the same one, behind the same password; nobody vouches for its keys until they were looked at again.
  const tablet = await device('fred');
  expect(openProfile(tablet.name).requireRecord().account).toEqual(before);
  for (const name of ['before', 'by the desk']) expect(await get(tablet, name)).toBe(`this is ${name}`);
});

test('new keys have an escrow again only if there was one', async () => {
  await using accounts = await Accounts.open(server.storage);
  const found: boolean[] = [];
  for (const [username, escrow] of [
    ['gail', true],
    ['hank', false],
  ] as const) {
    await server.addAccount(username, { escrow });
    const [laptop, phone] = [await device(username), await device(username)];
    expect(await revoke(laptop, phone)).toMatchObject({ rotated: true });
    found.push(hasEscrow((await accounts.byName(username))?.unlockRecord ?? new Uint8Array(0)));
  }
  expect(found).toEqual([true, false]);
});

test('a line that breaks at any step of it: the same again completes it, and nothing is lost', async () => {
  await server.addAccount('barney');
  const [laptop, phone] = [await device('barney'), await device('barney')];
  await put(laptop, 'before');
  const honest = createTlsDial({ clock: systemClock });
  // Each try gets one connection further than the one before.
  for (let allowed = 0, done = false; !done; allowed += 1) {
    let left = allowed;
    const dial: Dial = async (...where) => {
      left -= 1;
      if (left < 0) throw new TypeError('the line is cut');
      return await honest(...where);
    };
    done = await revoke(laptop, phone, dial).then(
      ({ vaults }) => vaults >= 0,
      () => false,
    );
    expect(allowed).toBeLessThan(20);
  }
  expect(await get(laptop, 'before')).toBe('this is before');
  expect(await revoke(laptop, phone)).toEqual({
    scope: 'full',
    wasRevoked: true,
    rotated: false,
    vaults: 0,
    lostTeams: [],
  });
});

/** The connection behind the password, which is the second one, breaks as soon as the new keys were sent. */
function losingTheAnswer(laptop: Profile): Dial {
  const honest = createTlsDial({ clock: systemClock });
  let dials = 0;
  return async (...where) => {
    dials += 1;
    const dialled = await honest(...where);
    if (dials !== 2) return dialled;
    const { transport } = dialled;
    const watch = setInterval(() => {
      if (!openProfile(laptop.name).hasRotation) return;
      clearInterval(watch);
      transport.destroy();
    }, 1);
    watch.unref();
    return dialled;
  };
}

test('an answer that is lost leaves the new keys waiting on this device, not lost', async () => {
  await server.addAccount('betty');
  const [laptop, phone] = [await device('betty'), await device('betty')];
  await put(laptop, 'before');
  await expect(revoke(laptop, phone, losingTheAnswer(laptop))).rejects.toBeDefined();
  expect(openProfile(laptop.name).hasRotation).toBe(true);
  expect(await revoke(laptop, phone)).toMatchObject({ wasRevoked: true, rotated: true, vaults: 1 });
  expect(openProfile(laptop.name).hasRotation).toBe(false);
  expect(await get(laptop, 'before')).toBe('this is before');
});

test('new keys that wait here and were overtaken do not keep a device from being revoked', async () => {
  await server.addAccount('pebbles');
  const [laptop, phone] = [await device('pebbles'), await device('pebbles')];
  await put(laptop, 'before');
  await expect(revoke(laptop, phone, losingTheAnswer(laptop))).rejects.toBeDefined();
  // The chain goes on from the new keys, which are the account's by now.
  const tablet = await device('pebbles');
  expect(await revoke(laptop, phone)).toMatchObject({ wasRevoked: true });
  expect(openProfile(laptop.name).hasRotation).toBe(false);
  expect(await get(laptop, 'before')).toBe('this is before');
  expect(await get(tablet, 'before')).toBe('this is before');
});

async function waitUnderFormerPassword({ rotationPath }: Profile): Promise<void> {
  const keystore = { secret: { password: 'the one before' }, plain: new Uint8Array(10), random: systemRandom };
  writeFileSync(rotationPath, await sealKeystore(keystore), { mode: 0o600 });
}

test('nor do those that the account has and that wait here under a former password', async () => {
  await server.addAccount('slate');
  const [laptop, phone] = [await device('slate'), await device('slate')];
  await put(laptop, 'before');
  await expect(revoke(laptop, phone, losingTheAnswer(laptop))).rejects.toBeDefined();
  await waitUnderFormerPassword(laptop);
  expect(await revoke(laptop, phone)).toMatchObject({ scope: 'full', rotated: true });
  expect(openProfile(laptop.name).hasRotation).toBe(false);
  expect(await get(laptop, 'before')).toBe('this is before');
});

test('nor those that were never sent', async () => {
  await server.addAccount('rubble');
  const [laptop, phone] = [await device('rubble'), await device('rubble')];
  await put(laptop, 'before');
  await waitUnderFormerPassword(laptop);
  expect(await revoke(laptop, phone)).toMatchObject({ scope: 'full', rotated: true });
  expect(openProfile(laptop.name).hasRotation).toBe(false);
  expect(await get(laptop, 'before')).toBe('this is before');
});
