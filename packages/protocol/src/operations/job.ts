import { z } from 'zod';
import { bytes, choice, count, wholeNumber } from './fields.ts';
import type { OperationTable } from './operation.ts';

/** Numbers that a run may report. */
const maxCounts = 32;

export const counts = z
  .record(z.string().regex(/^[a-z][A-Za-z]{0,31}$/), wholeNumber())
  .refine((value) => Object.keys(value).length <= maxCounts, `at most ${maxCounts} counts expected`)
  .describe(`{name: int…} ≤ ${maxCounts}`);

export const jobOperations = {
  'job.begin': {
    code: 0x0701,
    access: 'device',
    about: 'A run of a sync job begins: the server can tell when one never ends.',
    request: z.strictObject({ job: bytes(16), mode: choice(['push', 'pull', 'two-way']) }),
    response: z.strictObject({}),
  },
  'job.end': {
    code: 0x0702,
    access: 'device',
    about: 'The run has ended.',
    request: z.strictObject({ job: bytes(16), status: choice(['done', 'failed', 'interrupted']), counts }),
    response: z.strictObject({}),
  },
} as const satisfies OperationTable;

export const usageOperations = {
  'usage.show': {
    code: 0x0801,
    access: 'device',
    about: 'What the account stores, and how much it may.',
    request: z.strictObject({}),
    response: z.strictObject({
      storedBytes: count,
      quotaBytes: wholeNumber().nullable().describe('int | null'),
      files: count,
      versions: count,
      trashBytes: count,
      uncommittedBytes: count,
      journalBytes: count,
    }),
  },
} as const satisfies OperationTable;
