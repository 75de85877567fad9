import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { concatBytes, fromHex, lp, sha256 } from '@coffer/core';
import type { Random } from '@coffer/core';
import type { Signer } from '../signature.ts';

/** Bytes that follow from `seed` alone: two runs of a test see the same ids and keys. Never for anything but tests. */
export function testRandom(seed: number): Random {
  let counter = 0;
  return {
    bytes(length) {
      const blocks: Uint8Array[] = [];
      for (let have = 0; have < length; have += 32) {
        counter += 1;
        blocks.push(sha256(lp('coffer test random', seed, counter)));
      }
      return concatBytes(...blocks).slice(0, length);
    },
  };
}

export interface TestSigningKey {
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly sign: Signer;
}

/** A real Ed25519 key. */
export function testSigningKey(random: Random): TestSigningKey {
  const der = Buffer.from(concatBytes(pkcs8Prefix, random.bytes(32)));
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
  };
}

/** RFC 8410 §7: a PKCS #8 key up to the seed. */
const pkcs8Prefix = fromHex('302e020100300506032b657004220420');
