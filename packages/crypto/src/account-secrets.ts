import { CofferError, type Random } from '@coffer/core';

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
  /** X-Wing of the identities before, newest first: what was sealed to them and has no newer seal. Absent: none. */
  readonly formerSealSeeds?: readonly Uint8Array[] | undefined;
}

/** Former seeds that are kept; what is sealed to one that is older was sealed anew since. */
export const maxFormerSealSeeds = 16;
/** Generations that are kept: all that an account ever had. */
export const maxDedupGenerations = 256;

export function newAccountSecrets(random: Random): AccountSecrets {
  return {
    ark: random.bytes(32),
    identitySeed: random.bytes(32),
    sealSeed: random.bytes(32),
    dedup: [{ g: 0, secret: random.bytes(32) }],
  };
}

/** Everything new, and what is needed to read what there is already (CRYPTO §Keys: a stolen full device). @throws LIMIT after 255 times */
export function rotateAccountSecrets(before: AccountSecrets, random: Random): AccountSecrets {
  const g = Math.max(...before.dedup.map((one) => one.g)) + 1;
  if (before.dedup.length >= maxDedupGenerations) throw new CofferError('LIMIT', 'the keys were changed too often');
  const former = [before.sealSeed, ...(before.formerSealSeeds ?? [])].slice(0, maxFormerSealSeeds);
  return {
    ...newAccountSecrets(random),
    dedup: [...before.dedup, { g, secret: random.bytes(32) }],
    formerSealSeeds: former,
  };
}
