import { lp, sha256 } from '@coffer/core';
import { wordsOf } from './words.ts';

/** Whose keys are compared. */
export interface ComparedIdentity {
  readonly account: Uint8Array;
  /** `identityFingerprint` (journal). */
  readonly fingerprint: Uint8Array;
}

/**
 * Twelve words of the BIP-39 English list over both identities: the same on both sides, whoever asks, and others as soon as
 * one side was shown a key that is not the other's (CRYPTO §Keys *Trust between people*). Finding two pairs of keys with the
 * same words takes 2^66 pairs of keys.
 */
export function comparisonWords(server: Uint8Array, both: readonly [ComparedIdentity, ComparedIdentity]): string[] {
  const sorted = both.toSorted((a, b) => Buffer.compare(a.account, b.account));
  const fields = sorted.flatMap(({ account, fingerprint }) => [account, fingerprint]);
  return wordsOf(sha256(lp('coffer/1 compare', server, ...fields)));
}
