import { KiB } from '@coffer/core';
import { identityLimits } from '@coffer/journal';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { account, bytesUpTo, count, list, text } from './fields.ts';
import type { OperationTable } from './operation.ts';

const username = text(64);

export const directoryOperations = {
  'directory.lookUp': {
    code: 0x0a01,
    access: 'device',
    about:
      'The account of a username. What the server says here proves nothing: the certificate of the identity does, or comparing words. Limited per hour, so that nobody lists who is there: BUSY beyond it.',
    request: z.strictObject({ username }),
    response: z.strictObject({ account, username }),
  },
  'directory.identity': {
    code: 0x0a02,
    access: 'device',
    about:
      'The identity chain of an account after so many statements, with its username and the certificate of the authority when there is one.',
    request: z.strictObject({ account, after: count }),
    response: z.strictObject({
      username,
      statements: list(bytesUpTo(identityLimits.statementBytes), protocolLimits.statementsPerMessage),
      more: z.boolean().describe('bool'),
      certificate: bytesUpTo(16 * KiB)
        .nullable()
        .describe('bytes | null'),
    }),
  },
} as const satisfies OperationTable;
