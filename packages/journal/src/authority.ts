import {
  AccountId,
  decodeCbor,
  encodeCbor,
  equalBytes,
  Hash,
  integrityError,
  lp,
  MiB,
  ServerId,
  sha256,
  VaultId,
} from '@coffer/core';
import { z } from 'zod';
import { joinByteStrings, splitByteStrings } from './byte-strings.ts';
import { SealKey, SignKey, TimestampField, wholeNumber } from './field-schemas.ts';
import { checkVersion, invalid, limit, parseWith } from './refuse.ts';
import { signedBytes, verifySignature } from './signature.ts';
import type { Signer } from './signature.ts';

/** Label of the authority's signature. */
export const certificateLabel = 'coffer/1 certificate';

/** A generation names the head of every vault. */
export const maxGenerationHeads = 50_000;

/** That many heads, at most 78 bytes each. */
export const maxCertificateBytes = 4 * MiB;

const origin = {
  v: z.literal(1),
  /** Raw Ed25519 key of the authority, whose fingerprint clients have pinned. */
  authority: SignKey,
  server: ServerId,
  at: TimestampField,
};

const VaultHead = z
  .tuple([VaultId, wholeNumber(1), Hash])
  .transform(([vault, seq, head]): VaultHead => ({ vault, seq, head }));

/** Where a vault stood. */
export interface VaultHead {
  readonly vault: VaultId;
  readonly seq: number;
  readonly head: Hash;
}

const Reason = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => text.isWellFormed());

/** The canonical username (NFKC, lower case) under which people look the account up. */
const CertifiedName = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => text.isWellFormed());

const CertificatePayload = z.union([
  z.strictObject({
    ...origin,
    type: z.literal('identity'),
    account: AccountId,
    fingerprint: Hash,
    username: CertifiedName.optional(),
  }),
  z.strictObject({ ...origin, type: z.literal('recovery'), sealKey: SealKey }),
  z.strictObject({
    ...origin,
    type: z.literal('generation'),
    n: wholeNumber(1),
    heads: z.array(VaultHead).max(maxGenerationHeads),
    reason: Reason,
  }),
]);

/** What an authority signs. */
export type Certificate = Readonly<z.infer<typeof CertificatePayload>>;
/** This account has these keys, and is the one of that name; without a name nobody can tell whether it is whom they look for. */
export type IdentityCertificate = Extract<Certificate, { type: 'identity' }>;
/** Account root keys may be escrowed to this key. */
export type RecoveryCertificate = Extract<Certificate, { type: 'recovery' }>;
/** The server goes on from these heads, although it was further once: restored, or a standby promoted. */
export type GenerationCertificate = Extract<Certificate, { type: 'generation' }>;

/** What invites and the certificate authority's certificate carry, and clients pin. */
export function authorityFingerprint(authorityKey: Uint8Array): Hash {
  return sha256(lp('coffer/1 authority', authorityKey));
}

/** The bytes of a certificate, signed by the authority. @throws INVALID, LIMIT */
export function makeCertificate(certificate: Certificate, sign: Signer): Uint8Array {
  const heads =
    certificate.type === 'generation'
      ? { heads: certificate.heads.map(({ vault, seq, head }) => [vault, seq, head]) }
      : {};
  const payload = encodeCbor({ ...certificate, ...heads });
  const bytes = joinByteStrings([payload, sign(signedBytes(certificateLabel, payload))]);
  parsePayload(bytes);
  return bytes;
}

/**
 * A certificate of the authority whose fingerprint is pinned.
 * @throws INTEGRITY for another authority or a wrong signature, INVALID, LIMIT, UPGRADE_REQUIRED
 */
export function openCertificate(bytes: Uint8Array, pinnedAuthority: Hash): Certificate {
  const { payload, payloadBytes, signature } = parsePayload(bytes);
  const pinned = equalBytes(authorityFingerprint(payload.authority), pinnedAuthority);
  const check = { key: payload.authority, label: certificateLabel, bytes: payloadBytes, signature };
  if (!pinned || !verifySignature(check)) throw integrityError('a certificate');
  return payload;
}

/**
 * A certificate signed by the authority that it names itself: proves nothing to whoever has not pinned that one; a server keeps no others.
 * @throws INTEGRITY, INVALID, LIMIT, UPGRADE_REQUIRED
 */
export function readCertificate(bytes: Uint8Array): Certificate {
  return openCertificate(bytes, authorityFingerprint(parsePayload(bytes).payload.authority));
}

interface Signed {
  readonly payload: Certificate;
  readonly payloadBytes: Uint8Array;
  readonly signature: Uint8Array;
}

function parsePayload(bytes: Uint8Array): Signed {
  if (bytes.byteLength > maxCertificateBytes) throw limit('a certificate is too large');
  const [payloadBytes, signature] = splitByteStrings(bytes, 2);
  if (payloadBytes === undefined || signature?.byteLength !== 64) throw invalid('a certificate has no signature');
  const value = decodeCbor(payloadBytes);
  checkVersion(value, 'a certificate');
  return { payload: parseWith<Certificate>(CertificatePayload, value, 'a certificate'), payloadBytes, signature };
}
