import { EntryId } from '@coffer/core';
import { RetentionPolicy } from '@coffer/journal';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { choice, count, list, seq, timeMs, vault } from './fields.ts';
import type { OperationTable } from './operation.ts';

const policy = RetentionPolicy.describe('{versions: int, days: int, trashDays: int}');
const maybeMs = timeMs.nullable().describe('ms | null');

/** Whether versions are held; `endsAtMs`: when a hold ends that was taken off. */
export const holdStatus = z.strictObject({
  on: z.boolean().describe('bool'),
  sinceMs: maybeMs,
  reason: z.string().max(500).describe('text ≤ 500'),
  endsAtMs: maybeMs,
});

const keptVersion = z.strictObject({
  seq,
  fromMs: timeMs,
  endedAtMs: maybeMs,
  ended: choice(['replaced', 'removed', 'moved']).nullable().describe('"replaced" | "removed" | "moved" | null'),
  bytes: count,
  untilMs: maybeMs,
  purgeAtMs: maybeMs,
});

const expiredVersion = z.strictObject({ seq, atMs: timeMs, cause: choice(['rules', 'purge']) });

export const retentionOperations = {
  'vault.retention': {
    code: 0x0407,
    access: 'member',
    about:
      'How long versions are kept: the policy in force, one that is still to come, a hold, and what would go now under `policy` (null: the one in force), holds and delays left out of account.',
    request: z.strictObject({
      vault,
      policy: RetentionPolicy.nullable().describe('{versions: int, days: int, trashDays: int} | null'),
    }),
    response: z.strictObject({
      policy,
      pending: z
        .strictObject({ policy, fromMs: timeMs })
        .nullable()
        .describe('{policy: {versions: int, days: int, trashDays: int}, fromMs: ms} | null'),
      hold: holdStatus,
      expiring: z.strictObject({ versions: count, storedBytes: count }),
    }),
  },
} as const satisfies OperationTable;

export const versionOperations = {
  'version.list': {
    code: 0x0601,
    access: 'member',
    about:
      'Versions of a file after a `seq`, in order: those that are kept, until when (null: while nothing changes), and those that have expired. With `more` ask again after the last of them all.',
    request: z.strictObject({ vault, entry: EntryId.describe('bytes(16)'), after: seq }),
    response: z.strictObject({
      kept: list(keptVersion, protocolLimits.versionsPerMessage),
      expired: list(expiredVersion, protocolLimits.versionsPerMessage),
      more: z.boolean().describe('bool'),
    }),
  },
} as const satisfies OperationTable;
