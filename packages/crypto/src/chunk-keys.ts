import { createHmac, hash } from 'node:crypto';
import { kdf, lp, type ChunkId, type Hash } from '@coffer/core';

/**
 * Identity and keys of an account's chunks, from one generation of its dedup secret (CRYPTO §Chunks).
 * Equal plain bytes of one account get one id; nobody without the secret can tell which bytes an id stands for.
 */
export class ChunkKeys {
  readonly #idKey: Uint8Array;
  readonly #keyKey: Uint8Array;

  private constructor(secret: Uint8Array) {
    this.#idKey = kdf(secret, 'chunk id');
    this.#keyKey = kdf(secret, 'chunk key');
  }

  /** From the 32-byte dedup secret of one generation. */
  static from(dedupSecret: Uint8Array): ChunkKeys {
    if (dedupSecret.byteLength !== 32) throw new RangeError('a dedup secret has 32 bytes');
    return new ChunkKeys(dedupSecret);
  }

  /** `id = HMAC(K_id, lp("id", ph))`: the name that the server sees. */
  id(plainHash: Hash): ChunkId {
    return createHmac('sha256', this.#idKey).update(lp('id', plainHash)).digest();
  }

  /** `key = HMAC(K_key, lp("key", ph))`: opens this chunk and no other. */
  key(plainHash: Hash): Uint8Array {
    return createHmac('sha256', this.#keyKey).update(lp('key', plainHash)).digest();
  }
}

/** `ph`: SHA-256 of a chunk's plain bytes. */
export function hashPlain(plain: Uint8Array): Hash {
  return hash('sha256', plain, 'buffer');
}
