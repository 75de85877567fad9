import { AccountId, decodeCbor, DeviceId, encodeCbor, Hash, lp, ServerId, sha256, VaultId } from '@coffer/core';
import { z } from 'zod';
import { joinByteStrings, splitByteStrings } from './byte-strings.ts';
import { fixedBytes, SealKey, SignKey, TimestampField, wholeNumber } from './field-schemas.ts';
import { identityLimits } from './limits.ts';
import { checkVersion, invalid, limit, parseWith } from './refuse.ts';
import { signedBytes } from './signature.ts';
import type { Signer } from './signature.ts';

/** Label of the signature over a statement's payload. */
export const statementLabel = 'coffer/1 identity statement';
/** Label of the new key's consent inside a `rotate`. */
export const rotationLabel = 'coffer/1 identity rotation';

const place = {
  v: z.literal(1),
  account: AccountId,
  /** 1 for the `create`. */
  seq: wholeNumber(1, identityLimits.statements),
  /** Hash of the statement before; zeros in the first. */
  prev: Hash,
  at: TimestampField,
};

const DeviceName = z.string().refine(isDeviceName, 'device name expected');
const WorkerVaults = z
  .array(VaultId)
  .max(identityLimits.workerVaults)
  .refine(areAscending, 'sorted vault ids expected');

const StatementPayload = z.union([
  z.strictObject({ ...place, type: z.literal('create'), server: ServerId, signKey: SignKey, sealKey: SealKey }),
  z.strictObject({
    ...place,
    type: z.literal('device'),
    device: DeviceId,
    signKey: SignKey,
    name: DeviceName,
    scope: z.literal('full'),
  }),
  z.strictObject({
    ...place,
    type: z.literal('device'),
    device: DeviceId,
    signKey: SignKey,
    name: DeviceName,
    scope: z.literal('worker'),
    sealKey: SealKey,
    vaults: WorkerVaults,
  }),
  z.strictObject({ ...place, type: z.literal('revoke'), device: DeviceId }),
  z.strictObject({ ...place, type: z.literal('rotate'), signKey: SignKey, sealKey: SealKey, proof: fixedBytes(64) }),
]);

/** The signed content of a statement. `proof` of a rotate is the new key's signature, {@link rotationBytes}. */
export type StatementPayload = Readonly<z.infer<typeof StatementPayload>>;
export type CreatePayload = Extract<StatementPayload, { type: 'create' }>;
export type DevicePayload = Extract<StatementPayload, { type: 'device' }>;
export type RevokePayload = Extract<StatementPayload, { type: 'revoke' }>;
export type RotatePayload = Extract<StatementPayload, { type: 'rotate' }>;

/** One link of an identity chain. Byte fields are views of what was parsed. */
export interface IdentityStatement {
  readonly payload: StatementPayload;
  readonly payloadBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** What the next statement names as `prev`. */
  readonly hash: Hash;
}

/** Form only; {@link foldIdentity} judges signature and place. @throws LIMIT, INVALID, UPGRADE_REQUIRED */
export function parseIdentityStatement(bytes: Uint8Array): IdentityStatement {
  if (bytes.byteLength > identityLimits.statementBytes) throw limit('an identity statement is too large');
  const [payloadBytes, signature] = splitByteStrings(bytes, 2);
  if (payloadBytes === undefined || signature?.byteLength !== 64)
    throw invalid('an identity statement has no signature');
  const value = decodeCbor(payloadBytes);
  checkVersion(value, 'an identity statement');
  const payload = parseWith<StatementPayload>(StatementPayload, value, 'an identity statement');
  return { payload, payloadBytes, signature, hash: statementHash(payloadBytes, signature) };
}

/** The bytes of a statement, signed by the identity key that is current before it. @throws INVALID */
export function makeIdentityStatement(payload: StatementPayload, sign: Signer): Uint8Array {
  const payloadBytes = encodeCbor(payload);
  const bytes = joinByteStrings([payloadBytes, sign(signedBytes(statementLabel, payloadBytes))]);
  parseIdentityStatement(bytes);
  return bytes;
}

/** What a statement is named by: payload and signature, so that nothing of it can be exchanged. */
export function statementHash(payloadBytes: Uint8Array, signature: Uint8Array): Hash {
  return sha256(lp('coffer/1 identity hash', payloadBytes, signature));
}

/**
 * What the new key of a rotation signs (label {@link rotationLabel}), so that nobody can take over a key that is not
 * theirs, nor move the consent to another chain or place.
 */
export function rotationBytes({
  account,
  seq,
  prev,
  signKey,
  sealKey,
}: Pick<RotatePayload, 'account' | 'seq' | 'prev' | 'signKey' | 'sealKey'>): Uint8Array {
  return lp(account, seq, prev, signKey, sealKey);
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbiddenInNames = /[\u0000-\u001f\u007f-\u009f\uFFFD\uFEFF]/;

function isDeviceName(name: string): boolean {
  return (
    name.length >= 1 && name.length <= identityLimits.nameLength && name.isWellFormed() && !forbiddenInNames.test(name)
  );
}

function areAscending(ids: readonly Uint8Array[]): boolean {
  return ids.every((id, index) => index === 0 || Buffer.compare(ids[index - 1] ?? id, id) < 0);
}
