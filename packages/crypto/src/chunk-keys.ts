import { concatBytes, kdf, lp, sha256, u32, type ChunkId, type Hash } from '@coffer/core';
import { FixedHmac } from './fixed-hmac.ts';

/**
 * Identity and keys of an account's chunks, from one generation of its dedup secret (CRYPTO §Chunks).
 * Equal plain bytes of one account get one id; nobody without the secret can tell which bytes an id stands for.
 */
export class ChunkKeys {
  readonly #id: FixedHmac;
  readonly #key: FixedHmac;

  private constructor(secret: Uint8Array) {
    this.#id = labeled(kdf(secret, 'chunk id'), 'id');
    this.#key = labeled(kdf(secret, 'chunk key'), 'key');
  }

  /** From the 32-byte dedup secret of one generation. */
  static from(dedupSecret: Uint8Array): ChunkKeys {
    if (dedupSecret.byteLength !== 32) throw new RangeError('a dedup secret has 32 bytes');
    return new ChunkKeys(dedupSecret);
  }

  /** `id = HMAC(K_id, lp("id", ph))`: the name that the server sees. */
  id(plainHash: Hash): ChunkId {
    return this.#id.mac(plainHash);
  }

  /** `key = HMAC(K_key, lp("key", ph))`: opens this chunk and no other. */
  key(plainHash: Hash): Uint8Array {
    return this.#key.mac(plainHash);
  }
}

/** `ph`: SHA-256 of a chunk's plain bytes. */
export function hashPlain(plain: Uint8Array): Hash {
  return sha256(plain);
}

const hashBytes = 32;

/** Everything of `lp(label, ph)` but `ph` itself. */
function labeled(key: Uint8Array, label: string): FixedHmac {
  return new FixedHmac({ key, prefix: concatBytes(lp(label), u32(hashBytes)), messageBytes: hashBytes });
}
