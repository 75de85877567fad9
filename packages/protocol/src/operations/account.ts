import { identityLimits } from '@coffer/journal';
import { KiB } from '@coffer/core';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { bytesUpTo, count, device, list, text, timeMs } from './fields.ts';
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
    about: 'Appends the revocation of a device to the own chain; its sessions end.',
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
  'device.list': {
    code: 0x0302,
    access: 'device',
    about:
      'When the server first and last saw the devices of the own account. Names and what else a device is stand in the identity chain. Full devices only.',
    request: z.strictObject({}),
    response: z.strictObject({
      devices: list(
        z.strictObject({ device, firstSeenMs: timeMs, lastSeenMs: timeMs }),
        protocolLimits.devicesPerMessage,
      ),
    }),
  },
  'device.rotation': {
    code: 0x0303,
    access: 'login',
    about:
      'What new account secrets are sealed to: the authority’s certificate of the recovery key, when there is one.',
    request: z.strictObject({}),
    response: z.strictObject({
      recovery: bytesUpTo(16 * KiB)
        .nullable()
        .describe('bytes | null'),
    }),
  },
  'device.rotate': {
    code: 0x0304,
    access: 'login',
    about:
      'New identity keys: a `rotate` at the end of the own chain, and the account secrets sealed anew under the same password, in one step. Ends the certificate of the authority and changes of the password that are under way. CONFLICT when the password was set more often than `authEpoch`.',
    request: z.strictObject({ statement, record: bytesUpTo(64 * KiB), authEpoch: count }),
    response: z.strictObject({ seq: count }),
  },
} as const satisfies OperationTable;
