import { AccountId, CofferError, decodeCbor, encodeCbor, EntryId, VaultId } from '@coffer/core';
import { identityLimits, maxCertificateBytes } from '@coffer/journal';
import { z } from 'zod';

/** Versions that one expiry names: a record of some 30 KiB, and milliseconds of the index's time. */
export const expiryVersions = 1000;

/** UTF-16 units of the reason for a hold. */
export const holdReasonLength = 500;

const IdentityPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('identity'),
  account: AccountId,
  statement: bytesUpTo(identityLimits.statementBytes),
});

const GenerationPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('generation'),
  n: wholeNumber(1),
  /** Signed by the authority; clients check it. */
  certificate: bytesUpTo(maxCertificateBytes),
});

const ExpiryPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('expiry'),
  vault: VaultId,
  atMs: wholeNumber(0),
  cause: z.enum(['rules', 'purge']),
  versions: z
    .array(z.tuple([EntryId, wholeNumber(1)]))
    .min(1)
    .max(expiryVersions),
});

const HoldPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('hold'),
  account: AccountId,
  atMs: wholeNumber(0),
  on: z.boolean(),
  by: z.enum(['account', 'admin', 'alarm']),
  reason: z.string().max(holdReasonLength),
});

/** Records that one statement sets aside: some 40 KiB. */
export const setAsideRecords = 1000;

const SetAsidePayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('set-aside'),
  vault: VaultId,
  /** Of commits: name of the pack, and offset in it. */
  places: z
    .array(z.tuple([z.string().regex(/^[0-9a-f]{32}$/), wholeNumber(0)]))
    .min(1)
    .max(setAsideRecords),
});

const StatementPayload = z.discriminatedUnion('type', [
  IdentityPayload,
  GenerationPayload,
  ExpiryPayload,
  HoldPayload,
  SetAsidePayload,
]);
type StatementPayload = z.infer<typeof StatementPayload>;

/** A record of kind 4: what a rebuild must know beside the commits (FORMAT §Packs and server storage). */
export type Statement = Readonly<WithoutVersion<StatementPayload>>;
/** The storage was restored or promoted. */
export type GenerationRecord = Extract<Statement, { type: 'generation' }>;
/** Versions have expired. */
export type ExpiryRecord = Extract<Statement, { type: 'expiry' }>;
/** Commits do not count any more: a restore found nothing of what they rest on. */
export type SetAsideRecord = Extract<Statement, { type: 'set-aside' }>;
/** Versions are held, or no longer. */
export type HoldRecord = Extract<Statement, { type: 'hold' }>;

type WithoutVersion<Payload> = Payload extends unknown ? Omit<Payload, 'v'> : never;

export function encodeStatement(statement: Statement): Uint8Array {
  return encodeCbor({ v: 1, ...statement });
}

const known = z.looseObject({
  v: z.literal(1),
  type: z.enum(['identity', 'generation', 'expiry', 'hold', 'set-aside']),
});

/** `undefined` for a type that this version does not know: a rebuild passes over it. @throws INVALID */
export function decodeStatement(payload: Uint8Array): Statement | undefined {
  const value = decodeCbor(payload);
  if (!known.safeParse(value).success) return undefined;
  const parsed = StatementPayload.safeParse(value);
  if (!parsed.success) throw new CofferError('INVALID', 'a statement record is not valid');
  const { v: _v, ...statement } = parsed.data;
  return statement;
}

function bytesUpTo(max: number) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.byteLength <= max);
}

function wholeNumber(min: number) {
  return z.number().int().min(min).max(Number.MAX_SAFE_INTEGER);
}
