import { lp, sha256 } from '@coffer/core';
import { wordlist } from '@scure/bip39/wordlists/english.js';

/** Words of 11 bits each. 132 bits: finding two pairs of keys with the same words takes 2^66 pairs of keys. */
const comparedWords = 12;

/** Whose keys are compared. */
export interface ComparedIdentity {
  readonly account: Uint8Array;
  /** `identityFingerprint` (journal). */
  readonly fingerprint: Uint8Array;
}

/**
 * Twelve words of the BIP-39 English list over both identities: the same on both sides, whoever asks, and others as soon as
 * one side was shown a key that is not the other's (CRYPTO §Keys *Trust between people*).
 */
export function comparisonWords(server: Uint8Array, both: readonly [ComparedIdentity, ComparedIdentity]): string[] {
  const sorted = both.toSorted((a, b) => Buffer.compare(a.account, b.account));
  const bits = sha256(
    lp('coffer/1 compare', server, ...sorted.flatMap(({ account, fingerprint }) => [account, fingerprint])),
  );
  const number = BigInt(`0x${Buffer.from(bits).toString('hex')}`);
  return Array.from({ length: comparedWords }, (_, index) => {
    const at = Number((number >> BigInt(256 - 11 * (index + 1))) & 0x7ffn);
    return wordlist[at] ?? '';
  });
}
