import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { systemClock, systemRandom } from '@coffer/core';
import { Profile } from '../src/index.ts';
import type { Keyring, KeystoreKind, ProfileRecord } from '../src/index.ts';
import { readPrivateFile, writePrivateFile } from '../src/profile/private-file.ts';
import { codeOf } from './support/code-of.ts';
import { MemoryKeyring, noKeyring } from './support/keyring.ts';

const folder = mkdtempSync(join(tmpdir(), 'coffer-profile-'));
let names = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keys = {
  kind: 'full',
  deviceSeed: systemRandom.bytes(32),
  ark: systemRandom.bytes(32),
  identitySeed: systemRandom.bytes(32),
  sealSeed: systemRandom.bytes(32),
  dedup: [{ g: 0, secret: systemRandom.bytes(32) }],
} as const;

describe('keystores', () => {
  test('the password one opens with its password only', async () => {
    const { profile, record } = newProfile('password');
    await profile.keystore.save(record, { ...keys, dedup: [...keys.dedup] }, 'a long enough password');
    expect(await profile.keystore.open(record, () => Promise.resolve('a long enough password'))).toEqual(keys);
    expect(await codeOf(profile.keystore.open(record, () => Promise.resolve('another password')))).toBe('REFUSED');
  });

  test('the keyring one keeps its key with the system, and logging out takes it away', async () => {
    const keyring = new MemoryKeyring();
    const { profile, record } = newProfile('keyring', keyring);
    await profile.keystore.save(record, { ...keys, dedup: [...keys.dedup] }, '');
    expect(await profile.keystore.open(record, ask)).toEqual(keys);
    await profile.keystore.forget(record);
    expect(keyring.keys.size).toBe(0);
    expect(await codeOf(profile.keystore.open(record, ask))).toBe('NOT_LOGGED_IN');
  });

  test('every byte of a sealed one counts', async () => {
    const keyring = new MemoryKeyring();
    const { profile, record } = newProfile('keyring', keyring);
    await profile.keystore.save(record, { ...keys, dedup: [...keys.dedup] }, '');
    const path = join(profile.path, 'keystore');
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      writeFileSync(path, damaged);
      expect(await codeOf(profile.keystore.open(record, ask))).toBe('REFUSED');
    }
    writeFileSync(path, bytes.subarray(0, -1));
    expect(await codeOf(profile.keystore.open(record, ask))).toBe('REFUSED');
    rmSync(path);
    expect(await codeOf(profile.keystore.open(record, ask))).toBe('NOT_LOGGED_IN');
  });

  test('secrets lie in 0600 files in a 0700 folder, and the file one alone is in clear', async () => {
    for (const kind of ['password', 'keyring', 'file'] as const) {
      const { profile, record } = newProfile(kind, new MemoryKeyring());
      await profile.keystore.save(record, { ...keys, dedup: [...keys.dedup] }, 'a long enough password');
      profile.save(record);
      const path = join(profile.path, 'keystore');
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(join(profile.path, 'profile.json')).mode & 0o777).toBe(0o600);
      expect(statSync(profile.path).mode & 0o777).toBe(0o700);
      expect(readFileSync(path).includes(keys.deviceSeed)).toBe(kind === 'file');
    }
  });
});

describe('profiles', () => {
  test('a record is read back, and a damaged one is told with a way out', () => {
    const { profile, record } = newProfile('password');
    expect(() => profile.requireRecord()).toThrow(expect.objectContaining({ code: 'NOT_LOGGED_IN' }));
    profile.save(record);
    expect(reopened(profile).record).toEqual(record);
    writeFileSync(join(profile.path, 'profile.json'), '{"v":1}');
    expect(() => reopened(profile)).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  test('erasing leaves nothing', () => {
    const { profile, record } = newProfile('password');
    profile.save(record);
    profile.pins().seeGeneration(2);
    profile.erase();
    expect(existsSync(profile.path)).toBe(false);
    expect(profile.record).toBeUndefined();
  });

  test.each(['', '.', '..', '../x', 'a/b', '.hidden', 'a b', 'x'.repeat(65)])(
    '%j cannot be the name of a profile',
    (name) => {
      expect(() => Profile.open({ home: folder, name })).toThrow(expect.objectContaining({ code: 'INVALID' }));
    },
  );

  test('pins only go forward, also when two processes write them', () => {
    const { profile } = newProfile('password');
    const vault = systemRandom.bytes(32);
    const [one, other] = [profile.pins(), profile.pins()];
    const pin = (seq: number) => ({ seq, hash: systemRandom.bytes(32), epoch: 0 });
    const newest = pin(9);
    one.see(vault, newest);
    other.see(systemRandom.bytes(32), pin(1));
    other.see(vault, pin(3));
    expect(profile.pins().of(vault)).toEqual(newest);
    writeFileSync(join(profile.path, 'pins'), 'x');
    expect(() => profile.pins()).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  test('the generation only goes forward, also when two processes write it', () => {
    const { profile } = newProfile('password');
    const [one, other] = [profile.pins(), profile.pins()];
    one.seeGeneration(5);
    other.see(systemRandom.bytes(32), { seq: 1, hash: systemRandom.bytes(32), epoch: 0 });
    expect(profile.pins().generation).toBe(5);
    expect(() => other.seeGeneration(4)).toThrow(expect.objectContaining({ code: 'ROLLBACK' }));
  });

  test('a signed generation takes pins back to where it says that vaults stood, for every process', () => {
    const { profile } = newProfile('password');
    const [ahead, behind] = [systemRandom.bytes(32), systemRandom.bytes(32)];
    const hash = systemRandom.bytes(32);
    const [one, other] = [profile.pins(), profile.pins()];
    one.seeGeneration(1);
    one.see(ahead, { seq: 55, hash: systemRandom.bytes(32), epoch: 0 });
    one.see(behind, { seq: 3, hash, epoch: 0 });
    other.refresh();
    const head = (vault: Uint8Array, seq: number) => ({ vault, seq, head: systemRandom.bytes(32) });
    const second = { n: 2, heads: [head(ahead, 50), head(behind, 4)] };
    expect(one.acceptGeneration([second, { n: 3, heads: [head(ahead, 54), head(behind, 9)] }])).toBe(true);
    expect(one.of(ahead)).toEqual({ seq: 50, hash: second.heads[0]?.head, epoch: 0, cut: 2 });
    expect(one.of(behind)).toEqual({ seq: 3, hash, epoch: 0 });
    other.see(ahead, { seq: 56, hash: systemRandom.bytes(32), epoch: 0 });
    expect(other.of(ahead)).toEqual(one.of(ahead));
    expect(other.generation).toBe(3);
    expect(one.acceptGeneration([{ n: 4, heads: [head(ahead, 60), head(behind, 9)] }])).toBe(false);
    expect(profile.pins().generation).toBe(4);
  });

  test('a generation that names another history at the pinned place is refused, and nothing of it is taken', () => {
    const { profile } = newProfile('password');
    const [vault, other] = [systemRandom.bytes(32), systemRandom.bytes(32)];
    const pins = profile.pins();
    pins.seeGeneration(1);
    for (const id of [vault, other]) pins.see(id, { seq: 5, hash: systemRandom.bytes(32), epoch: 0 });
    const heads = [other, vault].map((id, index) => ({ vault: id, seq: 4 + index, head: systemRandom.bytes(32) }));
    expect(() => pins.acceptGeneration([{ n: 2, heads }])).toThrow(expect.objectContaining({ code: 'ROLLBACK' }));
    expect([profile.pins().generation, profile.pins().of(other)?.seq]).toEqual([1, 5]);
  });

  test('a folder that others may write to is no place for a profile', () => {
    const { profile, record } = newProfile('password');
    profile.save(record);
    chmodSync(profile.path, 0o777);
    expect(() => reopened(profile)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
    chmodSync(profile.path, 0o755);
    expect(reopened(profile).record).toEqual(record);
  });

  test('a folder of somebody else is no place for a profile', () => {
    // Only root can give a folder away.
    if (process.getuid?.() !== 0) return;
    const { profile, record } = newProfile('password');
    profile.save(record);
    chownSync(profile.path, 65_534, 65_534);
    expect(() => reopened(profile)).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });

  test('the log of operations stays bounded, and never throws', () => {
    const { profile } = newProfile('password');
    const log = profile.operations();
    const path = `/${'x'.repeat(200)}`;
    for (let index = 0; index < 60_000; index += 1) log.record({ action: 'put', path, bytes: index });
    log.flush();
    const file = join(profile.path, 'operations.jsonl');
    const total = statSync(file).size + statSync(`${file}.1`).size;
    expect(total).toBeLessThan(17 * 2 ** 20);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ action: 'put', path, bytes: 59_999 });
    profile.erase();
    log.record({ action: 'logout' });
    expect(() => log.flush()).not.toThrow();
  });

  test('a file is replaced whole or not at all', () => {
    const path = join(folder, 'private', 'file');
    writePrivateFile(path, Buffer.from('one'));
    writePrivateFile(path, Buffer.from('two'));
    expect(Buffer.from(readPrivateFile(path, 10) ?? []).toString()).toBe('two');
    expect(readPrivateFile(join(folder, 'nothing'), 10)).toBeUndefined();
    expect(() => readPrivateFile(path, 2)).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  });
});

function newProfile(keystore: KeystoreKind, keyring: Keyring = noKeyring): { profile: Profile; record: ProfileRecord } {
  names += 1;
  const profile = Profile.open(
    { home: folder, name: `p${names}` },
    { clock: systemClock, random: systemRandom, keyring },
  );
  const record: ProfileRecord = {
    host: 'vault.example',
    port: 7443,
    server: systemRandom.bytes(16),
    pin: systemRandom.bytes(32),
    authority: systemRandom.bytes(32),
    username: 'ada',
    role: 'user',
    account: systemRandom.bytes(16),
    device: systemRandom.bytes(16),
    deviceName: 'laptop',
    keystore,
    home: systemRandom.bytes(32),
  };
  return { profile, record };
}

function reopened(profile: Profile): Profile {
  return Profile.open({ home: folder, name: profile.name }, profile.deps);
}

function ask(): never {
  throw new TypeError('no password is needed');
}
