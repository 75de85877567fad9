import { X509Certificate } from 'node:crypto';
import { CofferError, equalBytes, fromHex, sha256, toHex } from '@coffer/core';

/** How the server is recognised (PROTOCOL §Transport). Whatever is chosen, the key is pinned afterwards. */
export type Trust =
  /** From an invite, or typed: SHA-256 of the public key. The authority comes with an invite. */
  | { readonly kind: 'pin'; readonly pin: Uint8Array; readonly authority?: Uint8Array }
  /** PEM of the vault's own CA: chain and host name are checked. */
  | { readonly kind: 'ca'; readonly certificate: string }
  /** Shown once, and pinned when accepted. */
  | { readonly kind: 'firstUse'; readonly accept: (pin: Uint8Array) => Promise<boolean> };

/** SHA-256 of a certificate's SubjectPublicKeyInfo (DER): survives renewal with the same key. */
export function pinOf(certificate: X509Certificate): Uint8Array {
  return sha256(certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

/** The pinned key is the one that is shown. @throws PIN_MISMATCH */
export function checkPin(certificate: X509Certificate, pin: Uint8Array): void {
  const shown = pinOf(certificate);
  if (equalBytes(shown, pin)) return;
  throw new CofferError('PIN_MISMATCH', 'the server shows another key than the one that is trusted', {
    hint: 'Somebody may be in between. Ask the administrator whether the key was changed; if so, log out and log in with a new invite.',
    details: { expected: toHex(pin), shown: toHex(shown) },
  });
}

/** A pinned key does not make an outdated certificate good: a stolen old one may be shown. @throws CERTIFICATE */
export function checkDates(certificate: X509Certificate, nowMs: number): void {
  const { validFromDate, validToDate } = certificate;
  if (nowMs > validToDate.getTime()) throw expiredError();
  if (nowMs >= validFromDate.getTime()) return;
  throw new CofferError('CERTIFICATE', "the server's certificate is not valid yet", {
    hint: 'Check the clocks of this machine and of the server.',
  });
}

export function expiredError(cause?: unknown): CofferError {
  return new CofferError('CERTIFICATE', "the server's certificate has expired", {
    hint: 'The administrator renews it with scripts/generate-certificates. If it is valid, check the clock of this machine.',
    cause,
  });
}

const authorityUri = /(?:^|, )URI:urn:coffer:authority:([0-9a-f]{64})(?:,|$)/;

/** Fingerprint of the authority that a CA certificate carries (CRYPTO §Keys *Authority*). @throws CERTIFICATE when it is no certificate */
export function authorityOf(pem: string): Uint8Array | undefined {
  const found = authorityUri.exec(parseCertificate(pem).subjectAltName ?? '')?.[1];
  return found === undefined ? undefined : fromHex(found);
}

/** Fingerprint of the authority that a login pins. @throws CERTIFICATE */
export function authorityIn(trust: Trust): Uint8Array | undefined {
  if (trust.kind === 'pin') return trust.authority;
  return trust.kind === 'ca' ? authorityOf(trust.certificate) : undefined;
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CofferError('CERTIFICATE', 'this is no CA certificate', {
      hint: 'Give the ca.pem of the server.',
      cause,
    });
  }
}
