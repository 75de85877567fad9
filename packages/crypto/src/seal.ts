import { equalBytes, integrityError, kdf, sha256, type Random } from '@coffer/core';
import { aeadOpen, aeadSealInto, nonceBytes, tagBytes } from './aead.ts';

/** The only suite of format version 1: HKDF-SHA-256 and AES-256-GCM. First byte of everything sealed. */
export const suite = 1;

const saltBytes = 32;
const commitmentBytes = 32;
const headBytes = 1 + saltBytes + commitmentBytes;

/** What {@link seal} adds to its plain bytes: suite 1, salt 32, commitment 32, tag 16. */
export const sealOverheadBytes = headBytes + tagBytes;

/** Every key is derived from a fresh salt and used for one message, so the nonce may be constant. */
const zeroNonce = new Uint8Array(nonceBytes);

export interface SealInput {
  /** 32 bytes or more of key material. */
  readonly key: Uint8Array;
  readonly plain: Uint8Array;
  readonly associatedData: Uint8Array;
  readonly random: Random;
}

/**
 * Seals a small secret (CRYPTO §Building blocks, *Seal*): `suite ‖ salt ‖ commitment ‖ AES-256-GCM ‖ tag`.
 * Commits to the key and the associated data: no second pair opens the same bytes.
 */
export function seal(input: SealInput): Uint8Array {
  const salt = input.random.bytes(saltBytes);
  const keys = sealKeys({ ...input, salt });
  const sealed = new Uint8Array(sealOverheadBytes + input.plain.byteLength);
  sealed[0] = suite;
  sealed.set(salt, 1);
  sealed.set(keys.commitment, 1 + saltBytes);
  aeadSealInto({ ...messageOf(input, keys), parts: [input.plain] }, sealed, headBytes);
  return sealed;
}

export interface OpenInput {
  readonly key: Uint8Array;
  readonly sealed: Uint8Array;
  readonly associatedData: Uint8Array;
  /** What is being opened, in words for the error message. */
  readonly what?: string;
}

/** Opens {@link seal}. @throws INTEGRITY whatever is wrong with it */
export function openSealed(input: OpenInput): Uint8Array {
  const plain = tryOpen(input);
  if (plain === undefined) throw integrityError(input.what ?? 'A sealed record');
  return plain;
}

function tryOpen(input: OpenInput): Uint8Array | undefined {
  const { sealed } = input;
  if (sealed.byteLength < sealOverheadBytes || sealed[0] !== suite) return undefined;
  const keys = sealKeys({ ...input, salt: sealed.subarray(1, 1 + saltBytes) });
  // The commitment first: GCM alone lets one ciphertext open under two keys.
  if (!equalBytes(keys.commitment, sealed.subarray(1 + saltBytes, headBytes))) return undefined;
  return aeadOpen({ ...messageOf(input, keys), sealed: sealed.subarray(headBytes) });
}

interface SealKeys {
  readonly messageKey: Uint8Array;
  readonly commitment: Uint8Array;
}

function sealKeys(input: {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly associatedData: Uint8Array;
}): SealKeys {
  const context = sha256(input.associatedData);
  return {
    messageKey: kdf(input.key, 'seal key', input.salt, context),
    commitment: kdf(input.key, 'seal commitment', input.salt, context),
  };
}

function messageOf(input: { readonly associatedData: Uint8Array }, keys: SealKeys) {
  return { key: keys.messageKey, nonce: zeroNonce, associatedData: input.associatedData };
}
