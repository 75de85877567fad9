import { CofferError, equalBytes, integrityError } from '@coffer/core';
import type { Random, ServerId } from '@coffer/core';
import { openEscrow, resetWords, sealRootKey } from '@coffer/crypto';
import { authorityFingerprint, identityFingerprint, openCertificate } from '@coffer/journal';
import type { IdentityCertificate } from '@coffer/journal';
import type { RequestDetails } from '@coffer/server';
import type { AuthorityKeys } from './authority.ts';

/** What the server says of a request to reset a password. None of it is believed unchecked. */
export interface ResetToOpen {
  readonly server: ServerId;
  readonly details: RequestDetails;
}

/** What the person at the new device must read out. @throws INVALID when it is no reset */
export function wordsOfReset({ server, details }: ResetToOpen): readonly string[] {
  const { account, request } = details;
  return resetWords({ server, account, request, ephemeralKey: ephemeralKeyOf(details) });
}

/** The authority's own word about whose account it is. @throws NOT_ALLOWED without one, INTEGRITY when it is about other keys */
export function certifiedIdentity(
  { server, details }: ResetToOpen,
  { authority }: Pick<AuthorityKeys, 'authority'>,
): IdentityCertificate {
  const { certificate, account, signKey, sealKey } = details;
  if (certificate === null) {
    throw new CofferError('NOT_ALLOWED', 'the authority never vouched for the keys of this account', {
      hint: 'Whose secrets the escrow holds cannot be told; the server could have put its own there.',
    });
  }
  const opened = openCertificate(certificate, authorityFingerprint(authority.publicKey));
  const isAbout =
    opened.type === 'identity' &&
    equalBytes(opened.server, server) &&
    equalBytes(opened.account, account) &&
    equalBytes(opened.fingerprint, identityFingerprint(signKey, sealKey));
  if (!isAbout) throw integrityError("The authority's certificate");
  return opened;
}

/**
 * The account's root key out of the escrow, sealed to the new device alone, after {@link certifiedIdentity}.
 * @throws NOT_FOUND without an escrow, INTEGRITY when it does not hold the certified account's secrets
 */
export function rootKeyForReset(
  { server, details }: ResetToOpen,
  { keys, random }: { readonly keys: AuthorityKeys; readonly random: Random },
): Uint8Array {
  certifiedIdentity({ server, details }, keys);
  const { account, request, unlockRecord, signKey, sealKey } = details;
  const { seed: recoverySeed, publicKey: recoveryKey } = keys.recovery;
  const identity = { signKey, sealKey };
  const owner = { server, account };
  const secrets =
    unlockRecord === null
      ? undefined
      : openEscrow({ ...owner, recoverySeed, recoveryKey, record: unlockRecord, identity });
  if (secrets === undefined) {
    throw new CofferError('NOT_FOUND', 'this account has no escrow', {
      hint: 'Without its password its data cannot be read any more. Remove the account and make a new one.',
    });
  }
  return sealRootKey({ ...owner, request, ephemeralKey: ephemeralKeyOf(details), ark: secrets.ark, random });
}

function ephemeralKeyOf({ ephemeralKey }: RequestDetails): Uint8Array {
  if (ephemeralKey === null) throw new CofferError('INVALID', 'this request is no reset of a password');
  return ephemeralKey;
}
