import { lp, sha256, type AccountId, type Random, type ServerId } from '@coffer/core';
import { hpkeInfo, openFrom, sealTo } from './hpke.ts';
import { wordsOf } from './words.ts';

/** A request to give the root key of an account to a new device (CRYPTO §Passwords that change or are lost). */
export interface ResetSubject {
  readonly server: ServerId;
  readonly account: AccountId;
  /** 16 bytes that name the request. */
  readonly request: Uint8Array;
  /** Raw X-Wing key that the new device made for this request alone. */
  readonly ephemeralKey: Uint8Array;
}

/**
 * What the person reads to the administrator: the same on both sides only when both speak of the same key, account and request.
 * 132 bits, so that a server finds no other key with the same words.
 */
export function resetWords({ server, account, request, ephemeralKey }: ResetSubject): string[] {
  return wordsOf(sha256(lp('coffer/1 reset words', server, account, request, ephemeralKey)));
}

/** The account's root key for the new device alone. */
export function sealRootKey(input: ResetSubject & { readonly ark: Uint8Array; readonly random: Random }): Uint8Array {
  const { ephemeralKey: recipientKey, ark: plain, random } = input;
  return sealTo({ recipientKey, info: infoOf(input), plain, random });
}

/** Opens {@link sealRootKey}; says nothing about who sealed it. @throws INTEGRITY */
export function openRootKey(
  input: ResetSubject & { readonly ephemeralSeed: Uint8Array; readonly sealed: Uint8Array },
): Uint8Array {
  const { ephemeralSeed: privateSeed, sealed } = input;
  return openFrom({ privateSeed, info: infoOf(input), sealed, what: 'The key that the administrator sent' });
}

function infoOf({ server, account, request, ephemeralKey }: ResetSubject): Uint8Array {
  const to = sha256(ephemeralKey);
  return hpkeInfo({ purpose: 'coffer/1 reset', server, from: account, to, object: request, epoch: 0 });
}
