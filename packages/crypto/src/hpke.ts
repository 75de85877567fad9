import { createHmac } from 'node:crypto';
import { concatBytes, integrityError, lp, utf8, type LpField, type Random } from '@coffer/core';
import { aeadOpen, aeadSealInto, tagBytes } from './aead.ts';
import { asBytes } from './as-bytes.ts';
import { suite } from './seal.ts';
import { xwingCiphertextBytes, xwingDecapsulate, xwingEncapsulate } from './xwing.ts';

const headBytes = 1 + xwingCiphertextBytes;

/** What {@link sealTo} adds to its plain bytes: suite 1, X-Wing ciphertext 1120, tag 16. */
export const sealToOverheadBytes = headBytes + tagBytes;

const noBytes = new Uint8Array(0);

/** What a sealed message is about; the reader must know all of it beforehand. */
export interface HpkeInfo {
  readonly purpose: string;
  readonly server: Uint8Array;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly object: Uint8Array;
  readonly epoch: number;
}

/** The `info` of HPKE: `lp(purpose, server, from, to, object, epoch)` (CRYPTO §Building blocks). */
export function hpkeInfo(about: HpkeInfo): Uint8Array {
  const fields: LpField[] = [about.purpose, about.server, about.from, about.to, about.object, about.epoch];
  return lp(...fields);
}

/**
 * HPKE base mode (RFC 9180 §6.1) with X-Wing, HKDF-SHA-256 and AES-256-GCM: `suite ‖ enc ‖ ciphertext ‖ tag`.
 * Says nothing about the sender: whatever carries it is signed.
 */
export function sealTo(input: {
  readonly recipientKey: Uint8Array;
  readonly info: Uint8Array;
  readonly plain: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  const { sharedSecret, ciphertext } = xwingEncapsulate(input.recipientKey, input.random);
  const sealed = new Uint8Array(sealToOverheadBytes + input.plain.byteLength);
  sealed[0] = suite;
  sealed.set(ciphertext, 1);
  aeadSealInto({ ...messageKeys(sharedSecret, input.info), parts: [input.plain] }, sealed, headBytes);
  return sealed;
}

/** Opens {@link sealTo}. @throws INTEGRITY whatever is wrong with it */
export function openFrom(input: {
  readonly privateSeed: Uint8Array;
  readonly info: Uint8Array;
  readonly sealed: Uint8Array;
  readonly what?: string;
}): Uint8Array {
  const plain = tryOpen(input);
  if (plain === undefined) throw integrityError(input.what ?? 'A sealed message');
  return plain;
}

function tryOpen(input: {
  readonly privateSeed: Uint8Array;
  readonly info: Uint8Array;
  readonly sealed: Uint8Array;
}): Uint8Array | undefined {
  const { sealed } = input;
  if (sealed.byteLength < sealToOverheadBytes || sealed[0] !== suite) return undefined;
  const sharedSecret = decapsulated(input.privateSeed, sealed.subarray(1, headBytes));
  return sharedSecret && aeadOpen({ ...messageKeys(sharedSecret, input.info), sealed: sealed.subarray(headBytes) });
}

/** OpenSSL refuses X25519 points of small order by throwing; to the caller that is one more forged message. */
function decapsulated(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    return xwingDecapsulate(seed, ciphertext);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    return undefined;
  }
}

function messageKeys(sharedSecret: Uint8Array, info: Uint8Array) {
  const { key, baseNonce } = keySchedule({ suiteId: xwingSuiteId, sharedSecret, info, keyBytes: 32 });
  return { key, nonce: baseNonce, associatedData: noBytes };
}

/** `"HPKE" ‖ kem ‖ kdf ‖ aead`: X-Wing 0x647a, HKDF-SHA-256 0x0001, AES-256-GCM 0x0002. */
const xwingSuiteId = hpkeSuiteId({ kem: 0x647a, kdf: 0x0001, aead: 0x0002 });

/** RFC 9180 §5.1. */
export function hpkeSuiteId(ids: { readonly kem: number; readonly kdf: number; readonly aead: number }): Uint8Array {
  const bytes = [ids.kem >> 8, ids.kem, ids.kdf >> 8, ids.kdf, ids.aead >> 8, ids.aead];
  return concatBytes(
    utf8('HPKE'),
    Uint8Array.from(bytes, (byte) => byte & 0xff),
  );
}

export interface ScheduleInput {
  readonly suiteId: Uint8Array;
  readonly sharedSecret: Uint8Array;
  readonly info: Uint8Array;
  readonly keyBytes: number;
}

/** `KeySchedule` of RFC 9180 §5.1 in base mode. Every context seals once, so the base nonce is the nonce. */
export function keySchedule(input: ScheduleInput): { readonly key: Uint8Array; readonly baseNonce: Uint8Array } {
  const { suiteId } = input;
  const extract = (salt: Uint8Array, label: string, keyMaterial: Uint8Array) =>
    labeledExtract({ suiteId, salt, label, keyMaterial });
  const context = concatBytes(
    Uint8Array.of(0),
    extract(noBytes, 'psk_id_hash', noBytes),
    extract(noBytes, 'info_hash', input.info),
  );
  const secret = extract(input.sharedSecret, 'secret', noBytes);
  const expand = (label: string, bytes: number) => labeledExpand({ suiteId, secret, label, info: context, bytes });
  return { key: expand('key', input.keyBytes), baseNonce: expand('base_nonce', 12) };
}

const versionLabel = utf8('HPKE-v1');

/** RFC 9180 §4 `LabeledExtract`, HKDF-SHA-256. */
export function labeledExtract(input: {
  readonly suiteId: Uint8Array;
  readonly salt: Uint8Array;
  readonly label: string;
  readonly keyMaterial: Uint8Array;
}): Uint8Array {
  return hmac(input.salt, concatBytes(versionLabel, input.suiteId, utf8(input.label), input.keyMaterial));
}

/** RFC 9180 §4 `LabeledExpand`, HKDF-SHA-256, at most one block. */
export function labeledExpand(input: {
  readonly suiteId: Uint8Array;
  readonly secret: Uint8Array;
  readonly label: string;
  readonly info: Uint8Array;
  readonly bytes: number;
}): Uint8Array {
  if (input.bytes > 32) throw new RangeError('one block of HKDF-SHA-256 is 32 bytes');
  const length = Uint8Array.of(0, input.bytes);
  const block = concatBytes(length, versionLabel, input.suiteId, utf8(input.label), input.info, Uint8Array.of(1));
  return hmac(input.secret, block).subarray(0, input.bytes);
}

function hmac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return asBytes(createHmac('sha256', key).update(bytes).digest());
}
