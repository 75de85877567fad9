import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concatBytes, fromHex, idKey, lp } from '@coffer/core';

/** Ed25519 over exactly these bytes, 64 bytes; the private key stays with whoever made the function. */
export type Signer = (bytes: Uint8Array) => Uint8Array;

/** What is signed: label and bytes, so that a signature for one purpose never passes for another (CRYPTO §Building blocks). */
export function signedBytes(label: string, bytes: Uint8Array): Uint8Array {
  return lp(label, bytes);
}

export interface SignatureCheck {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
  /** The label that is expected, e.g. `coffer/1 commit`. */
  readonly label: string;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** True when `signature` is that of `key` over `lp(label, bytes)`. Never throws on hostile input. */
export function verifySignature({ key, label, bytes, signature }: SignatureCheck): boolean {
  if (key.byteLength !== 32 || signature.byteLength !== 64) return false;
  try {
    return verify(null, signedBytes(label, bytes), publicKey(key), signature);
  } catch {
    return false; // OpenSSL throws on a key that is no point of the curve
  }
}

/** Ed25519 SubjectPublicKeyInfo up to the key (RFC 8410 §4). */
const spkiPrefix = fromHex('302a300506032b6570032100');

/** Making a key object costs about as much as half a verification; a journal has few authors. */
const cacheSize = 256;
const cache = new Map<string, KeyObject>();

function publicKey(raw: Uint8Array): KeyObject {
  const name = idKey(raw);
  const known = cache.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.from(concatBytes(spkiPrefix, raw)), format: 'der', type: 'spki' });
  const oldest = cache.size >= cacheSize ? cache.keys().next().value : undefined;
  if (oldest !== undefined) cache.delete(oldest);
  cache.set(name, key);
  return key;
}
