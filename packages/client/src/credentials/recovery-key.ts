import { equalBytes, integrityError, isCofferError } from '@coffer/core';
import type { ServerId } from '@coffer/core';
import { openCertificate } from '@coffer/journal';

export interface RecoveryQuestion {
  /** What the server says that the authority says; null: nothing. */
  readonly certificate: Uint8Array | null;
  /** Fingerprint of the authority; undefined: none is pinned, and whoever made a key could read everything. */
  readonly authority: Uint8Array | undefined;
  readonly server: ServerId;
}

/**
 * The key to which the account's root key may be sealed, so that a lost password loses nothing; undefined when nobody vouches for
 * one. @throws INTEGRITY when the server gives another one than the pinned authority signed
 */
export function recoveryKeyOf({ certificate, authority, server }: RecoveryQuestion): Uint8Array | undefined {
  if (certificate === null || authority === undefined) return undefined;
  const opened = openPinned(certificate, authority);
  if (opened.type !== 'recovery' || !equalBytes(opened.server, server)) throw integrityError('The recovery key');
  return opened.sealKey;
}

function openPinned(certificate: Uint8Array, authority: Uint8Array): ReturnType<typeof openCertificate> {
  try {
    return openCertificate(certificate, authority);
  } catch (error) {
    throw isCofferError(error, 'INVALID', 'LIMIT') ? integrityError('The recovery key') : error;
  }
}
