import { z } from 'zod';
import { account, choice, count, list, server, text, timeMs } from './fields.ts';
import { counts } from './job.ts';
import type { OperationTable } from './operation.ts';

const bool = z.boolean().describe('bool');
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().describe(`${schema.description ?? 'map'} | null`);

const task = choice(['collect', 'accountsBackup', 'scrub']);
const findings = list(text(500), 100);
const run = z
  .strictObject({ startedMs: timeMs, endedMs: orNull(timeMs), status: text(64), message: orNull(text(1024)), counts })
  .describe('{startedMs: ms, endedMs: ms | null, status: text ≤ 64, message: text ≤ 1024 | null, counts}');
const running = z.strictObject({ sinceMs: timeMs, bytes: count }).describe('{sinceMs: ms, bytes: int}');

/** Users in one answer of `admin.userList`: with the longest contacts they fit a control frame. */
const usersPerMessage = 64;

export const adminOperations = {
  'admin.status': {
    code: 0x0901,
    access: 'admin',
    about:
      'How the server is: room, clock of retention, what runs by itself, what the last scrub found, backups, accounts.',
    request: z.strictObject({}),
    response: z.strictObject({
      server,
      generation: count,
      timeMs,
      space: z.strictObject({ freeBytes: count, reserveBytes: count, writable: bool }),
      clock: z.strictObject({ nowMs: timeMs, wallMs: timeMs, paused: bool }),
      tasks: list(z.strictObject({ task, running: orNull(running), last: orNull(run), nextMs: orNull(timeMs) }), 16),
      scrub: orNull(
        z.strictObject({ atMs: timeMs, count, first: findings }).describe('{atMs: ms, count: int, first: [text…]}'),
      ),
      backups: z.strictObject({ count, newestMs: orNull(timeMs) }),
      accounts: z.strictObject({ count, storedBytes: count }),
    }),
  },
  'admin.collect': {
    code: 0x0902,
    access: 'admin',
    about:
      'Expires versions and removes what nothing refers to. `acceptClock`: the time of the machine is right, go on from it.',
    request: z.strictObject({ acceptClock: bool }),
    response: z.strictObject({ counts }),
  },
  'admin.scrub': {
    code: 0x0903,
    access: 'admin',
    about: 'Reads everything that is stored; takes hours. The answer comes at the end.',
    request: z.strictObject({}),
    response: z.strictObject({ count, first: findings }),
  },
  'admin.backup': {
    code: 0x0904,
    access: 'admin',
    about: 'Copies accounts.db; the answer means that the copy was opened and found whole. `path` is on the server.',
    request: z.strictObject({}),
    response: z.strictObject({ path: text(4096), bytes: count, accounts: count }),
  },
  'admin.recount': {
    code: 0x0905,
    access: 'admin',
    about: 'Counts anew what every account stores, and corrects what was recorded wrongly: these.',
    request: z.strictObject({}),
    response: z.strictObject({
      accounts: list(z.strictObject({ account, recordedBytes: count, countedBytes: count }), 1000),
      more: bool,
    }),
  },
  'admin.userList': {
    code: 0x0906,
    access: 'admin',
    about: 'Accounts by name, without the first `skip`.',
    request: z.strictObject({ skip: count }),
    response: z.strictObject({
      users: list(
        z.strictObject({
          username: text(64),
          role: choice(['user', 'admin']),
          state: choice(['active', 'suspended']),
          quotaBytes: orNull(count),
          largestFileBytes: orNull(count),
          storedBytes: count,
          contact: z.string().max(400).describe('text ≤ 400'),
          createdAtMs: timeMs,
        }),
        usersPerMessage,
      ),
      more: bool,
    }),
  },
  'admin.userQuota': {
    code: 0x0907,
    access: 'admin',
    about: 'What an account may store, from now on; null is no limit. `"keep"` leaves the limit of one file as it is.',
    request: z.strictObject({
      username: text(64),
      quotaBytes: orNull(count),
      largestFileBytes: z.union([count, z.null(), z.literal('keep')]).describe('int | null | "keep"'),
    }),
    response: z.strictObject({}),
  },
} as const satisfies OperationTable;
