import { equalBytes, integrityError, isCofferError } from '@coffer/core';
import { openCertificate } from '@coffer/journal';
import type { IdentityState } from '@coffer/journal';

export interface CertifiedQuestion {
  /** As the server gives it. */
  readonly certificate: Uint8Array | undefined;
  /** The pinned one. */
  readonly authority: Uint8Array | undefined;
  readonly identity: IdentityState;
}

/** Whether the pinned authority vouches for these keys of the account. @throws INTEGRITY for a certificate that says something else */
export function isCertified({ certificate, authority, identity }: CertifiedQuestion): boolean {
  if (authority === undefined || certificate === undefined) return false;
  const opened = openPinned(certificate, authority);
  const isOurs =
    opened.type === 'identity' &&
    equalBytes(opened.account, identity.account) &&
    equalBytes(opened.fingerprint, identity.fingerprint) &&
    equalBytes(opened.server, identity.server);
  if (!isOurs) throw integrityError("The authority's certificate");
  return true;
}

function openPinned(certificate: Uint8Array, authority: Uint8Array): ReturnType<typeof openCertificate> {
  try {
    return openCertificate(certificate, authority);
  } catch (error) {
    throw isCofferError(error, 'INVALID', 'LIMIT') ? integrityError("The authority's certificate") : error;
  }
}
