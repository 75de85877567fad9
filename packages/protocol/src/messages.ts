import { CofferError, decodeCbor, encodeCbor } from '@coffer/core';
import { z } from 'zod';
import { wholeNumber } from './operations/fields.ts';
import { violation } from './violation.ts';

/** Payload of END: what its DATA frames were. */
export const EndMessage = z.strictObject({ frames: wholeNumber(), bytes: wholeNumber() });
export type EndMessage = z.infer<typeof EndMessage>;

/** Payload of GOAWAY. */
export const GoAwayMessage = z.strictObject({
  reason: z.string().min(1).max(200),
  reconnectAfterMs: wholeNumber(),
});
export type GoAwayMessage = z.infer<typeof GoAwayMessage>;

/** Canonical CBOR of a message. */
export function encodeMessage(message: unknown): Uint8Array {
  return encodeCbor(message);
}

/** The message of a payload, checked once and trusted from here on. @throws PROTOCOL */
export function decodeMessage<Schema extends z.ZodType>(schema: Schema, payload: Uint8Array): z.infer<Schema> {
  const parsed = schema.safeParse(decodePayload(payload));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  // Names of known fields and our own words only: what the peer sent does not come back in a message.
  throw violation(`a message does not fit its operation (${issue?.code ?? 'invalid'} at ${pathOf(issue)})`);
}

function decodePayload(payload: Uint8Array): unknown {
  try {
    return decodeCbor(payload);
  } catch (error) {
    if (error instanceof CofferError) throw violation('a payload is no canonical message');
    throw error;
  }
}

function pathOf(issue: z.core.$ZodIssue | undefined): string {
  return issue === undefined || issue.path.length === 0 ? 'the top' : String(issue.path[0]).slice(0, 40);
}
