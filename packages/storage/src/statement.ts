import { AccountId, CofferError, decodeCbor, encodeCbor } from '@coffer/core';
import { identityLimits, maxCertificateBytes } from '@coffer/journal';
import { z } from 'zod';

const IdentityPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('identity'),
  account: AccountId,
  statement: bytesUpTo(identityLimits.statementBytes),
});

const GenerationPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('generation'),
  n: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** Signed by the authority; clients check it. */
  certificate: bytesUpTo(maxCertificateBytes),
});

const StatementPayload = z.discriminatedUnion('type', [IdentityPayload, GenerationPayload]);
type StatementPayload = z.infer<typeof StatementPayload>;

/** A record of kind 4: what a rebuild must know beside the commits (FORMAT §Packs and server storage). */
export type Statement = Readonly<WithoutVersion<StatementPayload>>;
/** The storage was restored or promoted. */
export type GenerationRecord = Extract<Statement, { type: 'generation' }>;

type WithoutVersion<Payload> = Payload extends unknown ? Omit<Payload, 'v'> : never;

export function encodeStatement(statement: Statement): Uint8Array {
  return encodeCbor({ v: 1, ...statement });
}

const known = z.looseObject({ v: z.literal(1), type: z.enum(['identity', 'generation']) });

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
