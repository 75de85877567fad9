import { encodeCbor, idKey, randomId, zeroHash } from '@coffer/core';
import type { DeviceId } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import {
  activeDevice,
  foldChain,
  foldIdentity,
  IdentityChains,
  identityAt,
  identityExtends,
  identityFingerprint,
  makeIdentityStatement,
  parseIdentityStatement,
  rotationBytes,
  rotationLabel,
  signedBytes,
  workersOf,
} from '@coffer/journal';
import type { StatementPayload } from '@coffer/journal';
import { TestAccount, testSigningKey } from '@coffer/journal/testing';
import { everyDamage, outcome } from './expect-code.ts';

const vaultA = new Uint8Array(32).fill(0xa);
const vaultB = new Uint8Array(32).fill(0xb);

/** An account with two devices (one revoked), a worker and changed keys. */
function longChain() {
  const account = new TestAccount(1);
  const full = account.enroll({ name: 'laptop' });
  const worker = account.enroll({ name: 'nas', scope: 'worker', vaults: [vaultB, vaultA] });
  account.revoke(full.device);
  account.rotate();
  const later = account.enroll({ name: 'new laptop' });
  return { account, full, worker, later };
}

/** Fields of a `device` statement after the chain of `account`. */
function devicePayload(account: TestAccount, fields: Record<string, unknown> = {}): StatementPayload {
  const device: DeviceId = randomId(account.random);
  const signKey = testSigningKey(account.random).publicKey;
  return { ...account.next(), type: 'device', device, signKey, name: 'x', scope: 'full', ...fields };
}

describe('an identity chain', () => {
  test('folds to keys and devices', () => {
    const { account, full, worker, later } = longChain();
    const state = foldChain(account.statements);
    expect(state).toEqual(account.state);
    expect(state.seq).toBe(6);
    expect(state.fingerprint).toEqual(identityFingerprint(state.signKey, state.sealKey));
    expect(state.signKey).toEqual(account.identityKey.publicKey);
    expect(activeDevice(state, full.device)).toBeUndefined();
    expect(activeDevice(state, later.device)?.name).toBe('new laptop');
    expect(workersOf(state, vaultA).map(({ device }) => device)).toEqual([worker.device]);
    expect(workersOf(state, new Uint8Array(32))).toEqual([]);
  });

  test('is known at every head, and each extends those before and no other', () => {
    const { account } = longChain();
    const states = account.statements.map((_, index) => foldChain(account.statements.slice(0, index + 1)));
    for (const [index, state] of states.entries()) {
      expect(identityAt(account.statements, state.head)).toEqual(state);
      expect(states.map(({ head }) => identityExtends(state, head))).toEqual(states.map((_, other) => other <= index));
    }
    expect(identityAt(account.statements, zeroHash)).toBeUndefined();
  });

  test('folding one by one changes no earlier state', () => {
    const { account } = longChain();
    const first = foldIdentity(undefined, account.statements[0] ?? new Uint8Array(0));
    const kept = structuredClone(first);
    account.statements.slice(1).reduce(foldIdentity, first);
    expect(first).toEqual(kept);
  });

  test('a damaged byte anywhere is refused', () => {
    const { account } = longChain();
    for (const [index, statement] of account.statements.entries()) {
      const before = index === 0 ? undefined : foldChain(account.statements.slice(0, index));
      const results = everyDamage(statement).map((bytes) => outcome(() => foldIdentity(before, bytes)));
      expect(results).not.toContain('accepted');
    }
  });

  test('replayed, left out, swapped or foreign statements are refused', () => {
    const { account } = longChain();
    const [s1, s2, s3, s4] = account.statements as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const foreign = new TestAccount(2);
    foreign.enroll();
    expect(outcome(() => foldChain([s1, s2, s2]))).toBe('INVALID');
    expect(outcome(() => foldChain([s1, s1]))).toBe('INVALID');
    expect(outcome(() => foldChain([s1, s3]))).toBe('INVALID');
    expect(outcome(() => foldChain([s1, s3, s2, s4]))).toBe('INVALID');
    expect(outcome(() => foldChain([s2]))).toBe('INVALID');
    expect(outcome(() => foldChain([s1, foreign.statements[1] ?? s1]))).toBe('INVALID');
    expect(outcome(() => foldChain([]))).toBe('INVALID');
  });

  test('a fork is seen by whoever knows the other branch', () => {
    const left = new TestAccount(1);
    const right = new TestAccount(1);
    left.enroll({ name: 'left' });
    right.enroll({ name: 'right' });
    right.enroll({ name: 'right again' });
    expect(identityExtends(right.state, left.state.head)).toBe(false);
    const chains = TestAccount.directory(right);
    expect(chains.identity(right.account, left.state.head)).toBeUndefined();
    expect(outcome(() => chains.append(left.account, left.statements.slice(1)))).toBe('INVALID');
  });

  test('only the current identity key signs', () => {
    const account = new TestAccount(1);
    const device = account.enroll();
    const payload = devicePayload(account);
    expect(outcome(() => account.add(makeIdentityStatement(payload, device.sign)))).toBe('INTEGRITY');
    const old = account.identityKey;
    account.rotate();
    const after = devicePayload(account);
    expect(outcome(() => account.add(makeIdentityStatement(after, old.sign)))).toBe('INTEGRITY');
    expect(outcome(() => account.add(makeIdentityStatement(after, account.identityKey.sign)))).toBe('accepted');
  });

  test('a first statement is signed by the key it names', () => {
    const account = new TestAccount(1);
    const { payload } = parseIdentityStatement(account.statements[0] ?? new Uint8Array(0));
    const stranger = testSigningKey(account.random);
    expect(outcome(() => foldChain([makeIdentityStatement(payload, stranger.sign)]))).toBe('INTEGRITY');
  });

  test('new keys must consent, at their place in their chain', () => {
    const account = new TestAccount(1);
    const key = testSigningKey(account.random);
    const fields = { ...account.next(), signKey: key.publicKey, sealKey: account.random.bytes(1216) };
    const rotate = (proof: Uint8Array) =>
      outcome(() =>
        foldIdentity(
          account.state,
          makeIdentityStatement({ ...fields, type: 'rotate', proof }, account.identityKey.sign),
        ),
      );
    const consent = (change: object) => key.sign(signedBytes(rotationLabel, rotationBytes({ ...fields, ...change })));
    expect(rotate(consent({}))).toBe('accepted');
    expect(rotate(account.identityKey.sign(signedBytes(rotationLabel, rotationBytes(fields))))).toBe('INTEGRITY');
    expect(rotate(consent({ account: new Uint8Array(16) }))).toBe('INTEGRITY');
    expect(rotate(consent({ seq: 9 }))).toBe('INTEGRITY');
    expect(rotate(consent({ prev: zeroHash }))).toBe('INTEGRITY');
    expect(rotate(consent({ sealKey: new Uint8Array(1216) }))).toBe('INTEGRITY');
    expect(rotate(key.sign(rotationBytes(fields)))).toBe('INTEGRITY');
  });

  test('a device is certified once, revoked once, and its id never comes back', () => {
    const account = new TestAccount(1);
    const { device } = account.enroll();
    const again = () => makeIdentityStatement(devicePayload(account, { device }), account.identityKey.sign);
    expect(outcome(() => account.add(again()))).toBe('INVALID');
    account.revoke(device);
    expect(outcome(() => account.add(again()))).toBe('INVALID');
    expect(outcome(() => account.revoke(device))).toBe('INVALID');
    expect(outcome(() => account.revoke(new Uint8Array(16)))).toBe('INVALID');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a name of 64 characters', { name: 'x'.repeat(64) }, 'accepted'],
    ['a name of 65 characters', { name: 'x'.repeat(65) }, 'INVALID'],
    ['no name', { name: '' }, 'INVALID'],
    ['a name with a line break', { name: 'a\nb' }, 'INVALID'],
    ['a full device with a seal key', { sealKey: new Uint8Array(1216) }, 'INVALID'],
    ['a worker without a seal key', { scope: 'worker', vaults: [] }, 'INVALID'],
    ['a worker without vaults', { scope: 'worker', sealKey: new Uint8Array(1216) }, 'INVALID'],
    ['a worker', { scope: 'worker', sealKey: new Uint8Array(1216), vaults: [vaultA] }, 'accepted'],
    [
      'a worker that names a vault twice',
      { scope: 'worker', sealKey: new Uint8Array(1216), vaults: [vaultA, vaultA] },
      'INVALID',
    ],
    ['an unknown scope', { scope: 'root' }, 'INVALID'],
    ['an unknown type', { type: 'grant' }, 'INVALID'],
    ['a field too many', { more: 1 }, 'INVALID'],
    ['a newer version', { v: 2 }, 'UPGRADE_REQUIRED'],
    ['a key of 31 bytes', { signKey: new Uint8Array(31) }, 'INVALID'],
    ['another account', { account: new Uint8Array(16) }, 'INVALID'],
    ['a place further on', { seq: 9 }, 'INVALID'],
    ['another predecessor', { prev: zeroHash }, 'INVALID'],
  ])('%s', (_name, fields, expected) => {
    const account = new TestAccount(1);
    const add = () => account.add(makeIdentityStatement(devicePayload(account, fields), account.identityKey.sign));
    expect(outcome(add)).toBe(expected);
  });

  test('a statement of more than 16 KiB is not looked into', () => {
    expect(outcome(() => parseIdentityStatement(new Uint8Array(16_385)))).toBe('LIMIT');
    expect(outcome(() => parseIdentityStatement(encodeCbor([new Uint8Array(2), new Uint8Array(63)])))).toBe('INVALID');
  });
});

test('an account has at most a thousand devices that are not revoked', () => {
  const account = new TestAccount(1);
  const device = account.enroll();
  const before = account.state;
  account.enroll();
  const statement = account.statements.at(-1) ?? zeroHash;
  const record = before.devices.get(idKey(device.device))!;
  const full = (count: number, revoked: boolean) => {
    const others = Array.from({ length: count }, (_, index) => [`device ${index}`, { ...record, revoked }] as const);
    return outcome(() => foldIdentity({ ...before, devices: new Map(others) }, statement));
  };
  expect([full(999, false), full(1000, false), full(1000, true)]).toEqual(['accepted', 'LIMIT', 'accepted']);
});

describe('known chains', () => {
  test('answer for any head in any order, and grow', () => {
    const { account } = longChain();
    const chains = new IdentityChains();
    chains.append(account.account, account.statements.slice(0, 3));
    chains.append(account.account, account.statements.slice(3));
    const heads = account.statements.map((statement) => parseIdentityStatement(statement).hash);
    for (const seq of [1, 2, 5, 3, 3, 6, 1, 4]) {
      const head = heads[seq - 1] ?? zeroHash;
      expect(chains.identity(account.account, head)).toEqual(identityAt(account.statements, head));
    }
    expect(chains.identity(account.account, zeroHash)).toBeUndefined();
    expect(chains.identity(new Uint8Array(16), heads[0] ?? zeroHash)).toBeUndefined();
    expect(chains.current(account.account)).toEqual(account.state);
  });

  test('an old head costs no signature again, however often journals ask in turns', () => {
    const account = new TestAccount(9);
    for (let index = 0; index < 200; index += 1) account.revoke(account.enroll().device);
    const chains = new IdentityChains();
    const before = performance.now();
    chains.append(account.account, account.statements);
    const verifyingMs = performance.now() - before;
    const heads = [...account.state.heads.keys()].map((key) => Uint8Array.fromHex(key));
    const asking = performance.now();
    for (let turn = 0; turn < 5; turn += 1) {
      expect(chains.identity(account.account, heads[399] ?? zeroHash)?.seq).toBe(400);
      expect(chains.identity(account.account, heads[200] ?? zeroHash)?.seq).toBe(201);
    }
    expect(performance.now() - asking).toBeLessThan(verifyingMs);
  });

  test("another account's chain is refused", () => {
    const account = new TestAccount(1);
    expect(outcome(() => new IdentityChains().append(new Uint8Array(16), account.statements))).toBe('INVALID');
  });
});
