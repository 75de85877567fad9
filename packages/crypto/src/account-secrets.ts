import type { Random } from '@coffer/core';

/** One generation of the secret from which ids and keys of an account's chunks come. */
export interface DedupSecret {
  /** Generation, counted from 0; tuples of home vaults name it. */
  readonly g: number;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** Everything that an account is, apart from its devices (CRYPTO §Keys). Every field is secret. */
export interface AccountSecrets {
  /** Account root key, 32 bytes: wraps the rest. */
  readonly ark: Uint8Array;
  /** 32 bytes: Ed25519 of the identity. */
  readonly identitySeed: Uint8Array;
  /** 32 bytes: X-Wing of the identity. */
  readonly sealSeed: Uint8Array;
  /** All generations, ascending; the last one is used for new chunks. */
  readonly dedup: readonly DedupSecret[];
}

export function newAccountSecrets(random: Random): AccountSecrets {
  return {
    ark: random.bytes(32),
    identitySeed: random.bytes(32),
    sealSeed: random.bytes(32),
    dedup: [{ g: 0, secret: random.bytes(32) }],
  };
}
