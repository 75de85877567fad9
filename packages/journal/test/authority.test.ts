import { timestampFromMs } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import {
  authorityFingerprint,
  certificateLabel,
  makeCertificate,
  openCertificate,
  verifySignature,
} from '@coffer/journal';
import type { Certificate } from '@coffer/journal';
import { testRandom, testSigningKey } from '@coffer/journal/testing';
import { everyDamage, outcome } from './expect-code.ts';

const random = testRandom(1);
const authority = testSigningKey(random);
const pinned = authorityFingerprint(authority.publicKey);
const origin = {
  v: 1,
  authority: authority.publicKey,
  server: random.bytes(16),
  at: timestampFromMs(1_700_000_000_000),
} as const;
const heads = [{ vault: random.bytes(32), seq: 3, head: random.bytes(32) }];
const certificates = {
  identity: { ...origin, type: 'identity', account: random.bytes(16), fingerprint: random.bytes(32) },
  recovery: { ...origin, type: 'recovery', sealKey: random.bytes(1216) },
  generation: { ...origin, type: 'generation', n: 2, heads, reason: 'restored from the backup of Tuesday' },
} as const satisfies Record<string, Certificate>;

describe('a certificate of the authority', () => {
  test.each(Object.values(certificates))('of a $type opens under the pinned fingerprint', (certificate) => {
    expect(openCertificate(makeCertificate(certificate, authority.sign), pinned)).toEqual(certificate);
  });

  test.each(Object.values(certificates))('of a $type is refused with any damaged byte', (certificate) => {
    const bytes = makeCertificate(certificate, authority.sign);
    expect(everyDamage(bytes).map((one) => outcome(() => openCertificate(one, pinned)))).not.toContain('accepted');
  });

  test('of another authority is refused, also when it names the pinned key', () => {
    const stranger = testSigningKey(random);
    const own = makeCertificate({ ...certificates.identity, authority: stranger.publicKey }, stranger.sign);
    expect(outcome(() => openCertificate(own, pinned))).toBe('INTEGRITY');
    expect(outcome(() => openCertificate(makeCertificate(certificates.identity, stranger.sign), pinned))).toBe(
      'INTEGRITY',
    );
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a newer version', { v: 2 }, 'UPGRADE_REQUIRED'],
    ['an unknown type', { type: 'admin' }, 'INVALID'],
    ['a field too many', { more: 1 }, 'INVALID'],
    ['a fingerprint of 31 bytes', { fingerprint: new Uint8Array(31) }, 'INVALID'],
  ])('with %s is refused', (_name, fields, expected) => {
    const certificate = { ...certificates.identity, ...fields } as Certificate;
    expect(outcome(() => makeCertificate(certificate, authority.sign))).toBe(expected);
  });
});

describe('a signature', () => {
  test('holds for one label, one key and the very bytes', () => {
    const bytes = random.bytes(40);
    const bare = authority.sign(bytes);
    expect(verifySignature({ key: authority.publicKey, label: certificateLabel, bytes, signature: bare })).toBe(false);
  });

  test.each([
    ['a key of no length', { key: new Uint8Array(0) }],
    ['a key that is no point', { key: new Uint8Array(32).fill(0xff) }],
    ['a signature of no length', { signature: new Uint8Array(0) }],
    ['a signature of zeros', { signature: new Uint8Array(64) }],
  ])('with %s is false, not an error', (_name, fields) => {
    const check = {
      key: authority.publicKey,
      label: 'x',
      bytes: new Uint8Array(3),
      signature: new Uint8Array(64).fill(1),
    };
    expect(verifySignature({ ...check, ...fields })).toBe(false);
  });
});
