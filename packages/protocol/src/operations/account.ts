import { identityLimits } from '@coffer/journal';
import { KiB } from '@coffer/core';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { bytesUpTo, count, list, text } from './fields.ts';
import type { OperationTable } from './operation.ts';
import { holdStatus } from './retention.ts';

const statement = bytesUpTo(identityLimits.statementBytes);

export const accountOperations = {
  'account.identity': {
    code: 0x0201,
    access: 'login|device',
    about: 'The own identity chain after so many statements, with the certificate of the authority when there is one.',
    request: z.strictObject({ after: count }),
    response: z.strictObject({
      statements: list(statement, protocolLimits.statementsPerMessage),
      more: z.boolean().describe('bool'),
      certificate: bytesUpTo(16 * KiB)
        .nullable()
        .describe('bytes | null'),
    }),
  },
  'account.unlock': {
    code: 0x0202,
    access: 'login',
    about:
      'The sealed account secrets, how often the password was set, and whether an administrator chose it: then it is to be changed.',
    request: z.strictObject({}),
    response: z.strictObject({
      record: bytesUpTo(64 * KiB),
      authEpoch: count,
      mustChange: z.boolean().describe('bool'),
      folder: z.string().max(4096).describe('text ≤ 4096'),
    }),
  },
  'account.appendIdentity': {
    code: 0x0203,
    access: 'device',
    about: 'Appends a statement to the own chain, for example the revocation of a device at logout.',
    request: z.strictObject({ statement }),
    response: z.strictObject({ seq: count }),
  },
  'account.hold': {
    code: 0x0204,
    access: 'device',
    about:
      'Keeps every version of the own vaults while it is on: at once, and for seven days after it was taken off. Full devices only.',
    request: z.strictObject({
      on: z.boolean().describe('bool'),
      reason: text(500).or(z.literal('')).describe('text ≤ 500, may be empty'),
    }),
    response: holdStatus,
  },
} as const satisfies OperationTable;

export const deviceOperations = {
  'device.enroll': {
    code: 0x0301,
    access: 'login',
    about: 'Appends the certificate of a new device to the own chain.',
    request: z.strictObject({ statement }),
    response: z.strictObject({ seq: count }),
  },
} as const satisfies OperationTable;
