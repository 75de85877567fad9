import { AccountId, CofferError, decodeCbor, encodeCbor } from '@coffer/core';
import { identityLimits } from '@coffer/journal';
import { z } from 'zod';

const StatementPayload = z.strictObject({
  v: z.literal(1),
  type: z.literal('identity'),
  account: AccountId,
  statement: z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength <= identityLimits.statementBytes,
  ),
});

/** A record of kind 4: what a rebuild must know beside the commits (FORMAT §Packs and server storage). */
export type Statement = Readonly<Omit<z.infer<typeof StatementPayload>, 'v'>>;

export function encodeStatement(statement: Statement): Uint8Array {
  return encodeCbor({ v: 1, ...statement });
}

/** `undefined` for a type that this version does not know: a rebuild passes over it. @throws INVALID */
export function decodeStatement(payload: Uint8Array): Statement | undefined {
  const value = decodeCbor(payload);
  const known = z.looseObject({ v: z.literal(1), type: z.literal('identity') }).safeParse(value).success;
  if (!known) return undefined;
  const parsed = StatementPayload.safeParse(value);
  if (!parsed.success) throw new CofferError('INVALID', 'a statement record is not valid');
  const { type, account, statement } = parsed.data;
  return { type, account, statement };
}
