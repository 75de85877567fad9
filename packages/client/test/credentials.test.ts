import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { dayMs, rootEntry, sha256, systemClock, systemRandom, timestampFromMs } from '@coffer/core';
import { hasEscrow, openEscrow, resetWords, sealRootKey, xwingKeyPair } from '@coffer/crypto';
import { makeCertificate } from '@coffer/journal';
import type { Handlers } from '@coffer/protocol';
import type { Interposer } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import type { AccountRequest } from '@coffer/storage';
import { finishReset, login, openAccount, Profile, register, requestReset, resetStatus } from '../src/index.ts';
import type { Account, Vault } from '../src/index.ts';
import { noKeyring } from './support/keyring.ts';
import { password, RealServer } from './support/real-server.ts';

// A password is stretched several times here, and the machine may be busy.
jest.setTimeout(300_000);

const better = 'eleven kites above the harbour';

/** Replaces handlers for the length of one test. */
let lies: <Context>(honest: Handlers<Context>) => Partial<Handlers<Context>> = () => ({});
const interposer: Interposer = {
  handlers: (honest) =>
    Object.fromEntries(
      Object.entries(honest).map(([name, handler]) => [
        name,
        (...args: readonly unknown[]) => {
          const lie = (lies(honest) as Record<string, unknown>)[name] ?? handler;
          return (lie as (...all: readonly unknown[]) => unknown)(...args);
        },
      ]),
    ) as typeof honest,
};

let server: RealServer;
let folder: string;
let names = 0;
let aheadMs = 0;

beforeAll(async () => {
  const settings = { registration: 'open', login: { attemptsPerHour: 1000, addressPerHour: 1000 } };
  server = await RealServer.open(tmpdir(), { interposer, settings, ahead: () => aheadMs });
  folder = mkdtempSync(join(tmpdir(), 'coffer-credentials-'));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  lies = () => ({});
});

function newProfile(): Profile {
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
  return Profile.open(
    { home: folder, name: `profile-${(names += 1)}` },
    { clock, random: systemRandom, keyring: noKeyring },
  );
}

const trust = () => ({ kind: 'pin', pin: server.pin, authority: server.authority }) as const;
const as = (profile: Profile, word = password) =>
  ({
    profile,
    target: server.target,
    password: word,
    keystore: 'password',
    trust: trust(),
    deviceName: 'test',
  }) as const;
const registering = (profile: Profile, username: string) =>
  ({ ...as(profile), target: { ...server.target, username }, token: undefined, escrow: true }) as const;

async function withAccount<Result>(
  profile: Profile,
  work: (account: Account) => Promise<Result>,
  word = password,
): Promise<Result> {
  await using account = await openAccount({ profile, unlock: () => Promise.resolve(word) });
  return await work(account);
}

/** Another authority's word about a key of its own: what a server would like people to seal to. */
function forgedRecovery(): Uint8Array {
  const { authority } = server.keys;
  const own = xwingKeyPair(systemRandom.bytes(32)).publicKey;
  const origin = { v: 1, authority: authority.publicKey, server: server.server, at: timestampFromMs(0) } as const;
  const signature = { ...authority, sign: () => systemRandom.bytes(64) };
  return makeCertificate({ ...origin, type: 'recovery', sealKey: own }, signature.sign);
}

test('whoever registers has an account of their own, with an escrow, or without when they refuse it', async () => {
  const first = newProfile();
  expect(await register(registering(first, 'Bea'))).toMatchObject({
    username: 'Bea',
    role: 'user',
    createdHome: true,
    escrow: true,
    mustChange: false,
  });
  await expect(register(registering(newProfile(), 'bea'))).rejects.toMatchObject({ code: 'EXISTS' });
  expect(await register({ ...registering(newProfile(), 'cay'), escrow: false })).toMatchObject({ escrow: false });
  const noAuthority = { kind: 'pin', pin: server.pin } as const;
  expect(await register({ ...registering(newProfile(), 'dee'), trust: noAuthority })).toMatchObject({ escrow: false });
  const second = { ...as(newProfile()), target: { ...server.target, username: 'BEA' } };
  expect(await login(second)).toMatchObject({ username: 'Bea', createdHome: false });
});

test('nothing is sealed to a recovery key that the authority did not sign', async () => {
  const sent: string[] = [];
  lies = (honest) => ({
    'account.registerStart': async (...args) => ({
      ...(await honest['account.registerStart'](...args)),
      recovery: forgedRecovery(),
    }),
    'account.passwordStart': async (...args) => ({
      ...(await honest['account.passwordStart'](...args)),
      recovery: forgedRecovery(),
    }),
    'account.registerFinish': async (...args) => {
      sent.push('account.registerFinish');
      return await honest['account.registerFinish'](...args);
    },
    'account.passwordFinish': async (...args) => {
      sent.push('account.passwordFinish');
      return await honest['account.passwordFinish'](...args);
    },
  });
  const profile = newProfile();
  await expect(register(registering(profile, 'eve'))).rejects.toMatchObject({ code: 'INTEGRITY' });
  expect(existsSync(profile.path)).toBe(false);
  const ada = newProfile();
  await login(as(ada));
  await withAccount(ada, async ({ credentials }) => {
    await expect(credentials.changePassword({ current: password, next: better })).rejects.toMatchObject({
      code: 'INTEGRITY',
    });
  });
  expect(sent).toEqual([]);
});

test('another password has an escrow again only if there was one, whoever would hold its key', async () => {
  await using accounts = await Accounts.open(server.storage);
  const found: unknown[] = [];
  for (const escrow of [true, false]) {
    const profile = newProfile();
    const username = escrow ? 'gus' : 'hal';
    await register({ ...registering(profile, username), escrow });
    await withAccount(profile, async ({ credentials, notifications }) => {
      const changed = await credentials.changePassword({ current: password, next: better });
      const [waits] = accounts.requests.ofAccount((await accounts.byName(username))?.account ?? new Uint8Array(16));
      const { unlockRecord } = accounts.requests.byId(waits?.request ?? new Uint8Array(16)) ?? {};
      found.push([changed.escrow, hasEscrow(unlockRecord ?? new Uint8Array(0))]);
      // Another device sees it, and cancels what it did not ask for.
      const { notifications: told } = await notifications.list();
      expect(told.map(({ kind }) => kind)).toContain('change-requested');
      expect(await credentials.cancelRequests()).toBe(1);
    });
  }
  expect(found).toEqual([
    [true, true],
    [false, false],
  ]);
});

test('a machine that is unlocked sets no other password without the one in force', async () => {
  const profile = newProfile();
  await register(registering(profile, 'ivy'));
  await using accounts = await Accounts.open(server.storage);
  const { account, authEpoch } = (await accounts.byName('ivy')) ?? { account: new Uint8Array(16), authEpoch: -1 };
  const sent: string[] = [];
  lies = (honest) => ({
    'account.passwordStart': async (...args) => {
      sent.push('account.passwordStart');
      return await honest['account.passwordStart'](...args);
    },
  });
  await withAccount(profile, async ({ credentials }) => {
    await expect(credentials.changePassword({ current: better, next: better })).rejects.toMatchObject({
      code: 'REFUSED',
      hint: expect.stringContaining('reset-request'),
    });
  });
  expect(sent).toEqual([]);
  expect(accounts.requests.ofAccount(account)).toEqual([]);
  expect((await accounts.byName('ivy'))?.authEpoch).toBe(authEpoch);
});

test('a lost answer to a registration is no lost account', async () => {
  lies = (honest) => ({
    'account.registerFinish': async (request, call) => {
      await honest['account.registerFinish'](request, call);
      await call.connection[Symbol.asyncDispose]();
      return {};
    },
  });
  expect(await register(registering(newProfile(), 'fay'))).toMatchObject({ username: 'fay' });
});

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

/** As an administrator's tool does it. */
async function approve(which: (request: AccountRequest) => boolean, verifiedInPerson: boolean): Promise<string[]> {
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
  await using accounts = await Accounts.open(server.storage, { clock });
  const found = accounts.requests.list().find((one) => one.state === 'open' && which(one));
  if (!found?.ephemeralKey) throw new TypeError('a request was expected');
  const { account, request, ephemeralKey } = found;
  const identity = await accounts.identity(account);
  const record = (await accounts.byId(account))?.unlockRecord ?? new Uint8Array(0);
  const { seed: recoverySeed, publicKey: recoveryKey } = server.keys.recovery;
  const owner = { server: server.server, account };
  const secrets = openEscrow({ ...owner, recoverySeed, recoveryKey, record, identity });
  if (secrets === undefined) throw new TypeError('an escrow was expected');
  const subject = { ...owner, request, ephemeralKey };
  const sealed = sealRootKey({ ...subject, ark: secrets.ark, random: systemRandom });
  accounts.requests.approveReset({ request, by: null, sealed, verifiedInPerson });
  return resetWords(subject);
}

test('a lost password: words, an approval, a day, a new password, and all data as it was', async () => {
  const bytes = randomBytes(300_000);
  const old = newProfile();
  await login(as(old));
  await withAccount(old, async (account) => put(await account.home(), { name: 'kept', bytes }));

  const profile = newProfile();
  const ask = { profile, target: server.target, trust: trust() };
  const asked = await requestReset(ask);
  expect(asked.words).toHaveLength(12);
  expect(await requestReset(ask)).toEqual(asked);
  expect(await resetStatus({ profile })).toMatchObject({ state: 'open', words: asked.words });
  const finishing = { profile, password: better, keystore: 'password', deviceName: 'found' } as const;
  await expect(finishReset(finishing)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await approve(() => true, false)).toEqual(asked.words);
  expect(await resetStatus({ profile })).toMatchObject({ state: 'approved' });
  await expect(finishReset(finishing)).rejects.toMatchObject({ code: 'CONFLICT' });

  // Any device of the account can still cancel it.
  await withAccount(old, async ({ credentials, notifications }) => {
    expect(await credentials.requests()).toMatchObject([{ kind: 'password-reset', state: 'approved' }]);
    expect(JSON.stringify(await notifications.list())).toContain('recovery-started');
    expect(await credentials.cancelRequests()).toBe(1);
  });
  expect(await resetStatus({ profile })).toMatchObject({ state: 'cancelled' });
  aheadMs = dayMs + 1000;
  await expect(finishReset(finishing)).rejects.toMatchObject({ code: 'CONFLICT' });

  const next = await requestReset(ask);
  expect(next.words).not.toEqual(asked.words);
  await approve(() => true, false);
  aheadMs = 2 * dayMs + 2000;
  const done = await finishReset(finishing);
  expect(done).toMatchObject({ username: 'ada', createdHome: false, certified: true, escrow: true, mustChange: false });
  expect(existsSync(profile.resetPath)).toBe(false);
  // As the next command finds it.
  expect(Profile.open({ home: folder, name: profile.name }).record).toMatchObject({ username: 'ada' });
  await expect(login(as(newProfile()))).rejects.toMatchObject({ code: 'REFUSED' });
  const read = await withAccount(profile, async (account) => get(await account.home(), '/kept'), better);
  expect(read.equals(bytes)).toBe(true);
  await using accounts = await Accounts.open(server.storage);
  expect((await accounts.byName('ada'))?.authEpoch).toBe(1);
});

test('nothing that a lying server gives back at a reset is taken for the account', async () => {
  const profile = newProfile();
  const asked = await requestReset({ profile, target: server.target, trust: trust() });
  expect(await approve(() => true, true)).toEqual(asked.words);
  const finishing = { profile, password, keystore: 'password', deviceName: 'found' } as const;
  const pending = readFileSync(profile.resetPath);
  const own = systemRandom.bytes(32);
  await using accounts = await Accounts.open(server.storage);
  const other = await accounts.byName('bea');
  const finished: unknown[] = [];
  for (const lie of [
    // A root key of its own, sealed to the right device.
    (honest) => ({
      'account.resetOpen': async (request, call) => {
        await honest['account.resetOpen'](request, call);
        const found = accounts.requests.byId(request.request);
        if (!found?.ephemeralKey) throw new TypeError('a request was expected');
        const { account, ephemeralKey } = found;
        const subject = { server: server.server, account, request: request.request, ephemeralKey };
        return { sealed: sealRootKey({ ...subject, ark: own, random: systemRandom }) };
      },
    }),
    // The identity and the secrets of somebody else.
    () => ({
      'account.identity': async () => ({
        statements: [...accounts.identityStatements(other?.account ?? own)],
        more: false,
        certificate: null,
      }),
    }),
    () => ({
      'account.unlock': async () => ({
        record: other?.unlockRecord ?? own,
        authEpoch: 0,
        mustChange: false,
        folder: '',
      }),
    }),
    // Nobody vouches.
    (honest) => ({
      'account.identity': async (...args) => ({ ...(await honest['account.identity'](...args)), certificate: null }),
    }),
    (honest) => ({
      'account.resetStart': async (...args) => ({
        ...(await honest['account.resetStart'](...args)),
        recovery: forgedRecovery(),
      }),
    }),
  ] satisfies (typeof lies)[]) {
    lies = (honest) => ({
      ...lie(honest),
      'account.resetFinish': async (...args) => {
        finished.push(args[0]);
        return await honest['account.resetFinish'](...args);
      },
    });
    await expect(finishReset(finishing)).rejects.toMatchObject({
      code: expect.stringMatching(/^(INTEGRITY|UNTRUSTED_SERVER)$/) as unknown,
    });
  }
  expect(finished).toEqual([]);
  // Nothing was spoiled: with the truth it goes on.
  expect(sha256(readFileSync(profile.resetPath))).toEqual(sha256(pending));
  lies = () => ({});
  expect(await finishReset(finishing)).toMatchObject({ username: 'ada', createdHome: false });
});

test('a reset is asked only of a server whose authority is known', async () => {
  const profile = newProfile();
  const untrusted = requestReset({ profile, target: server.target, trust: { kind: 'pin', pin: server.pin } });
  await expect(untrusted).rejects.toMatchObject({ code: 'UNTRUSTED_SERVER' });
  expect(existsSync(profile.path)).toBe(false);
  const ask = { profile, target: { ...server.target, username: 'nobody' }, trust: trust() };
  const nobody = await requestReset(ask);
  expect(nobody.words).toHaveLength(12);
  const again = await requestReset({ ...ask, again: true });
  expect([again.words, again.request]).not.toEqual([nobody.words, nobody.request]);
  expect(await requestReset(ask)).toEqual(again);
  expect(await resetStatus({ profile })).toMatchObject({ state: 'open' });
  aheadMs += 7 * dayMs;
  expect(await resetStatus({ profile })).toMatchObject({ state: 'expired' });
});
