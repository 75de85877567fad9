import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { Signer } from '@coffer/journal';
import { asBytes } from './as-bytes.ts';

export interface SigningKeyPair {
  /** 32 bytes, raw Ed25519. */
  readonly publicKey: Uint8Array;
  /** Ed25519 (RFC 8032) over exactly the bytes given: labels are the caller's. */
  readonly sign: Signer;
}

/** Ed25519 from its 32-byte seed. */
export function ed25519KeyPair(seed: Uint8Array): SigningKeyPair {
  const privateKey = createPrivateKey({ key: seed, format: 'raw-private', asymmetricKeyType: 'ed25519' });
  return { publicKey: rawPublic(privateKey), sign: (bytes) => asBytes(sign(null, bytes, privateKey)) };
}

/** Bytes of an X-Wing public key: ML-KEM-768 1184 ‖ X25519 32. */
export const xwingPublicKeyBytes = 1216;

/** Bytes of the ML-KEM-768 part, which comes first in keys and ciphertexts. */
export const mlKemPublicKeyBytes = 1184;

export interface SealingKeyPair {
  /** 1216 bytes: ML-KEM-768 ‖ X25519. */
  readonly publicKey: Uint8Array;
  /** The 32 bytes it came from; the whole private key. */
  readonly seed: Uint8Array;
}

/** X-Wing (draft-connolly-cfrg-xwing-kem §5.2) from its 32-byte seed. */
export function xwingKeyPair(seed: Uint8Array): SealingKeyPair {
  return { publicKey: expandXwingSeed(seed).publicKey, seed };
}

export interface ExpandedXwing {
  readonly mlKem: KeyObject;
  readonly x25519: KeyObject;
  readonly publicKey: Uint8Array;
}

/** The two private keys inside an X-Wing seed: SHAKE-256 to 96 bytes, 64 for ML-KEM and 32 for X25519. */
export function expandXwingSeed(seed: Uint8Array): ExpandedXwing {
  if (seed.byteLength !== 32) throw new RangeError('an X-Wing seed has 32 bytes');
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest();
  const mlKem = createPrivateKey({
    key: expanded.subarray(0, 64),
    format: 'raw-seed',
    asymmetricKeyType: 'ml-kem-768',
  });
  const x25519 = createPrivateKey({ key: expanded.subarray(64), format: 'raw-private', asymmetricKeyType: 'x25519' });
  const publicKey = new Uint8Array(xwingPublicKeyBytes);
  publicKey.set(rawPublic(mlKem));
  publicKey.set(rawPublic(x25519), mlKemPublicKeyBytes);
  return { mlKem, x25519, publicKey };
}

export function rawPublic(privateKey: KeyObject): Uint8Array {
  return asBytes(createPublicKey(privateKey).export({ format: 'raw-public' }));
}
