import { commitLimits, Subject } from '@coffer/journal';
import { z } from 'zod';
import { list, vault } from './fields.ts';
import type { OperationTable } from './operation.ts';

export const shareOperations = {
  'share.leave': {
    code: 0x0b01,
    access: 'member',
    about:
      'The account gives up what somebody shares with it, or leaves a team: the server stops serving it the vault at once, and the owner ends the epoch with its next visit. NOT_ALLOWED for the owner, and for a share that it has through a team alone.',
    request: z.strictObject({ vault }),
    response: z.strictObject({}),
  },
  'share.left': {
    code: 0x0b02,
    access: 'member',
    about:
      'Members that have left and are still in the journal: those that said so, accounts that an administrator has removed, and teams of removed accounts. For the owner only, who takes them out and ends the epoch.',
    request: z.strictObject({ vault }),
    response: z.strictObject({ members: list(Subject.describe('bytes(16) | bytes(32)'), commitLimits.members) }),
  },
} as const satisfies OperationTable;
