import { KiB } from '@coffer/core';
import { maxCertificateBytes } from '@coffer/journal';
import { z } from 'zod';
import { account, bytes, bytesUpTo, choice, count, device, server, text, timeMs } from './fields.ts';
import type { OperationTable } from './operation.ts';

/** The version of the protocol that this code speaks. */
export const protocolVersion = 1;

/** DATA of a statement: below the smallest frame that an administrator can allow. */
export const generationPieceBytes = 128 * KiB;

/** Largest OPAQUE message, bytes: those of RFC 9807 with ristretto255 have 96 and 320. */
const opaqueBytes = 1024;

export const sessionOperations = {
  'session.hello': {
    code: 0x0101,
    access: 'open',
    about: 'First on every connection. UPGRADE_REQUIRED when the server does not speak the version.',
    request: z.strictObject({
      protocol: z.number().int().min(1).max(65_535).describe('int'),
      client: text(64),
      role: choice(['control', 'bulk']),
    }),
    response: z.strictObject({
      protocol: z.number().int().min(1).max(65_535).describe('int'),
      server,
      generation: count,
      time: timeMs,
      limits: z.strictObject({ frameBytes: count, dataBytes: count, streams: count, hasIds: count }),
      registration: choice(['open', 'invite', 'closed']),
    }),
  },
  'session.loginStart': {
    code: 0x0102,
    access: 'open',
    about: 'First half of an OPAQUE login. An unknown name gets an answer of the same size.',
    request: z.strictObject({ username: text(64), request: bytesUpTo(opaqueBytes) }),
    response: z.strictObject({ account, response: bytesUpTo(opaqueBytes) }),
  },
  'session.loginFinish': {
    code: 0x0103,
    access: 'open',
    about: 'Second half; both sides prove that they hold the session key on this very connection.',
    request: z.strictObject({ finish: bytesUpTo(opaqueBytes), proof: bytes(32) }),
    response: z.strictObject({ proof: bytes(32) }),
  },
  'session.challenge': {
    code: 0x0104,
    access: 'open',
    about: 'Asks for a random challenge for a device that is certified by its account.',
    request: z.strictObject({ account, device }),
    response: z.strictObject({ challenge: bytes(32) }),
  },
  'session.prove': {
    code: 0x0105,
    access: 'open',
    about: "Answers the challenge with the device's signature; from here on the session is the account's.",
    request: z.strictObject({ signature: bytes(64) }),
    response: z.strictObject({ username: text(64), role: choice(['user', 'admin']) }),
  },
  'session.end': {
    code: 0x0106,
    access: 'device',
    about: 'The client is done; the server answers and closes.',
    request: z.strictObject({}),
    response: z.strictObject({}),
  },
  'session.generation': {
    code: 0x0107,
    access: 'device',
    about:
      'What the authority signed when this generation of the server began (FORMAT §Certificates). NOT_FOUND when there is nothing.',
    request: z.strictObject({ generation: count }),
    response: z.strictObject({}),
    responseData: {
      each: 'a piece of the statement',
      minBytes: 1,
      maxBytes: generationPieceBytes,
      maxFrames: Math.ceil(maxCertificateBytes / generationPieceBytes),
    },
  },
} as const satisfies OperationTable;
