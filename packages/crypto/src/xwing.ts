import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  type KeyObject,
} from 'node:crypto';
import { CofferError, concatBytes, type Random } from '@coffer/core';
import { expandXwingSeed, mlKemPublicKeyBytes, rawPublic, xwingPublicKeyBytes } from './key-pairs.ts';
import { asBytes } from './as-bytes.ts';

/** Bytes of an X-Wing ciphertext: ML-KEM-768 1088 ‖ X25519 32. */
export const xwingCiphertextBytes = 1120;

const mlKemCiphertextBytes = 1088;

/** `\.//^\`, the label of the combiner (draft-connolly-cfrg-xwing-kem §5.3). */
const combinerLabel = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);

export interface Encapsulated {
  readonly sharedSecret: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/**
 * X-Wing encapsulation. `random` gives the X25519 half; the ML-KEM half draws from OpenSSL, which takes no randomness from outside.
 * @throws INVALID when it is no usable public key: someone else made it
 */
export function xwingEncapsulate(publicKey: Uint8Array, random: Random): Encapsulated {
  try {
    return encapsulateTo(publicKey, random);
  } catch (cause) {
    throw new CofferError('INVALID', 'not a usable sealing key', { cause });
  }
}

function encapsulateTo(publicKey: Uint8Array, random: Random): Encapsulated {
  if (publicKey.byteLength !== xwingPublicKeyBytes) throw new RangeError('an X-Wing public key has 1216 bytes');
  const mlKem = encapsulate(publicFrom('ml-kem-768', publicKey.subarray(0, mlKemPublicKeyBytes)));
  const recipient = publicKey.subarray(mlKemPublicKeyBytes);
  const ephemeral = createPrivateKey({ key: random.bytes(32), format: 'raw-private', asymmetricKeyType: 'x25519' });
  const ephemeralPublic = rawPublic(ephemeral);
  const exchanged = diffieHellman({ privateKey: ephemeral, publicKey: publicFrom('x25519', recipient) });
  return {
    sharedSecret: combine({ mlKem: mlKem.sharedKey, exchanged, ephemeralPublic, recipient }),
    ciphertext: concatBytes(mlKem.ciphertext, ephemeralPublic),
  };
}

/** X-Wing decapsulation. A forged ML-KEM half yields a different secret (implicit rejection); callers' tags then fail. */
export function xwingDecapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  if (ciphertext.byteLength !== xwingCiphertextBytes) throw new RangeError('an X-Wing ciphertext has 1120 bytes');
  const keys = expandXwingSeed(seed);
  const ephemeralPublic = ciphertext.subarray(mlKemCiphertextBytes);
  return combine({
    mlKem: decapsulate(keys.mlKem, ciphertext.subarray(0, mlKemCiphertextBytes)),
    exchanged: diffieHellman({ privateKey: keys.x25519, publicKey: publicFrom('x25519', ephemeralPublic) }),
    ephemeralPublic,
    recipient: keys.publicKey.subarray(mlKemPublicKeyBytes),
  });
}

interface CombinerInput {
  readonly mlKem: Uint8Array;
  readonly exchanged: Uint8Array;
  readonly ephemeralPublic: Uint8Array;
  readonly recipient: Uint8Array;
}

function combine(input: CombinerInput): Uint8Array {
  const hash = createHash('sha3-256').update(input.mlKem).update(input.exchanged);
  return asBytes(hash.update(input.ephemeralPublic).update(input.recipient).update(combinerLabel).digest());
}

function publicFrom(asymmetricKeyType: 'ml-kem-768' | 'x25519', key: Uint8Array): KeyObject {
  return createPublicKey({ key, format: 'raw-public', asymmetricKeyType });
}
