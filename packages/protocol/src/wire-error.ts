import { CofferError, errorCodes, isCofferError, type ErrorCode, type ErrorDetails } from '@coffer/core';
import { z } from 'zod';
import { decodeMessage, encodeMessage } from './messages.ts';

/** Longest text in the details: 4,096 missing ids in base64 are 171 KiB. */
const maxDetailLength = 192 * 1024;
const maxDetails = 32;

/** Payload of ERROR (PROTOCOL §Frame). */
export const ErrorMessage = z.strictObject({
  code: z.string().regex(/^[A-Z][A-Z_]{0,63}$/),
  message: z.string().max(1024),
  retryable: z.boolean(),
  details: z
    .record(z.string().max(64), z.union([z.string().max(maxDetailLength), z.number(), z.boolean()]))
    .refine((details) => Object.keys(details).length <= maxDetails, 'too many details')
    .optional(),
  incident: z.string().max(64).optional(),
});
export type ErrorMessage = z.infer<typeof ErrorMessage>;

/** What is sent of a failure, and whether the rest belongs in the server's log under the incident. */
export interface WireError {
  readonly message: ErrorMessage;
  /** Set when the failure is the server's own: the client learns only this id. */
  readonly incident: string | undefined;
}

/**
 * A failure as the peer may see it: a code that is about the request goes out as itself; what happened inside this
 * machine, and anything that is no `CofferError`, is INTERNAL with an incident id. `newIncident` is called only then.
 */
export function toWireError(error: unknown, newIncident: () => string): WireError {
  if (isCofferError(error) && !hidden.has(error.code)) return { message: messageOf(error), incident: undefined };
  const incident = newIncident();
  const message = { code: 'INTERNAL', message: 'the server failed', retryable: false, incident } as const;
  return { message, incident };
}

/** The payload of an ERROR frame; without the details when they would not fit `maxBytes`. */
export function encodeWireError(message: ErrorMessage, maxBytes: number): Uint8Array {
  const payload = encodeMessage(message);
  if (payload.byteLength <= maxBytes) return payload;
  const { details: _, ...rest } = message;
  return encodeMessage(rest);
}

/** The failure that an ERROR payload tells of. A code of a later version is INTERNAL here. @throws PROTOCOL */
export function fromWireError(payload: Uint8Array): CofferError {
  const { code, message, retryable, details = {}, incident } = decodeMessage(ErrorMessage, payload);
  const { hint, ...facts } = details;
  const known = Object.hasOwn(errorCodes, code);
  return new CofferError(known ? (code as ErrorCode) : 'INTERNAL', message, {
    ...(typeof hint === 'string' && { hint }),
    retryable,
    details: { ...facts, ...(incident !== undefined && { incident }), ...(!known && { code }) },
  });
}

/** Codes that tell of the machine's files and settings, which are no client's business. */
const hidden: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CERTIFICATE',
  'CONFIG',
  'IO',
  'LOCKED',
  'PORT_IN_USE',
  'INTERNAL',
]);

function messageOf(error: CofferError): ErrorMessage {
  const details: ErrorDetails = error.hint === undefined ? error.details : { ...error.details, hint: error.hint };
  return {
    code: error.code,
    message: error.message.slice(0, 1024),
    retryable: error.retryable,
    ...(Object.keys(details).length > 0 && { details }),
  };
}
