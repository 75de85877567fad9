import { KiB } from '@coffer/core';
import { z } from 'zod';
import { account, bytes, bytesUpTo, choice, count, device, hash, list, text, timeMs, vault } from './fields.ts';
import type { OperationTable } from './operation.ts';

/** What a line of the audit log is about; each has its own chain of lines (STORAGE §Audit). */
export const auditCategories = [
  'auth',
  'account',
  'password',
  'transfer',
  'backup',
  'share',
  'team',
  'admin',
  'anomaly',
] as const;
export type AuditCategory = (typeof auditCategories)[number];

/** What an administrator should look at. Names are append-only. */
export const alertKinds = ['failed-logins', 'denied', 'audit-changed', 'task-failed', 'damage'] as const;
export type AlertKind = (typeof alertKinds)[number];

const bool = z.boolean().describe('bool');
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().describe(`${schema.description ?? 'map'} | null`);
const category = choice(auditCategories);
const categories = auditCategories.length;
const session = bytes(8);
const name = z.strictObject({ account, username: text(64) });
/** Where the reading of a category goes on; the server's own words. */
const from = list(z.strictObject({ category, position: z.string().max(40).describe('text ≤ 40') }), categories);

const sessionRow = z.strictObject({
  session,
  account,
  username: text(64),
  device,
  deviceName: text(64),
  scope: choice(['full', 'worker']),
  role: choice(['control', 'bulk']),
  address: text(64),
  sinceMs: timeMs,
  restedMs: count,
});

const alert = z.strictObject({
  id: count,
  atMs: timeMs,
  kind: choice(alertKinds),
  times: count,
  account: orNull(account),
  username: orNull(text(64)),
  address: orNull(text(64)),
  word: orNull(text(32)),
  figure: orNull(count),
  acknowledgedMs: orNull(timeMs),
  acknowledgedBy: orNull(text(64)),
});

const shareRow = z.strictObject({
  vault,
  kind: choice(['share', 'team']),
  member: bytesUpTo(32),
  username: orNull(text(64)),
  role: choice(['read', 'write', 'owner']),
});

export const adminWatchOperations = {
  'admin.logs': {
    code: 0x0930,
    access: 'admin',
    about:
      'Lines of the audit log by time, those of all `categories` when none is named, about one account, from a time on. `from` of the answer is where the next page begins; `wait`: answer up to 20 s later when there is nothing yet. A page may be empty although there is `more`.',
    request: z.strictObject({
      categories: list(category, categories),
      username: orNull(text(64)),
      sinceMs: orNull(timeMs),
      from,
      wait: bool,
    }),
    response: z.strictObject({
      lines: list(bytesUpTo(16 * KiB), 1000),
      names: list(name, 500),
      from,
      more: bool,
    }),
  },
  'admin.verifyAudit': {
    code: 0x0931,
    access: 'admin',
    about:
      'Reads the whole audit log and compares every line with the next, the last with its head. `known`: lines that the caller remembers as ends of their chains, and what has become of them.',
    request: z.strictObject({ known: list(z.strictObject({ category, seq: count, hash }), categories) }),
    response: z.strictObject({
      categories: list(
        z.strictObject({
          category,
          lines: count,
          firstSeq: count,
          lastSeq: count,
          lastHash: hash,
          problem: orNull(
            z
              .strictObject({
                kind: choice(['unreadable', 'altered', 'missing', 'noticed', 'truncated']),
                file: z.string().max(100).describe('text ≤ 100'),
                line: count,
                seq: count,
              })
              .describe(
                '{kind: "unreadable" | "altered" | "missing" | "noticed" | "truncated", file: text ≤ 100, line: int, seq: int}',
              ),
          ),
          known: orNull(choice(['same', 'other', 'gone'])),
        }),
        categories,
      ),
    }),
  },
  'admin.sessionList': {
    code: 0x0932,
    access: 'admin',
    about:
      'Connections of devices that are proved, by age, without the first `skip`. `restedMs`: since the client did something.',
    request: z.strictObject({ skip: count }),
    response: z.strictObject({ sessions: list(sessionRow, 500), more: bool }),
  },
  'admin.sessionEnd': {
    code: 0x0933,
    access: 'admin',
    about: 'Ends one of them. Its device may come back: whoever shall not is revoked or suspended.',
    request: z.strictObject({ session }),
    response: z.strictObject({}),
  },
  'admin.alertList': {
    code: 0x0934,
    access: 'admin',
    about: 'What administrators should look at, newest first, those with an id below `before` (null: from the newest).',
    request: z.strictObject({ before: orNull(count) }),
    response: z.strictObject({ alerts: list(alert, 200), more: bool }),
  },
  'admin.alertAck': {
    code: 0x0935,
    access: 'admin',
    about: 'Somebody has looked at it. NOT_FOUND when there is none of that id.',
    request: z.strictObject({ id: count }),
    response: z.strictObject({}),
  },
  'admin.shareList': {
    code: 0x0936,
    access: 'admin',
    about:
      'Who may read or write in vaults of one account, vault by vault, without the first `skip`. `username` is null for a team, and for an account that was removed. What a share is called only clients can read.',
    request: z.strictObject({ username: text(64), skip: count }),
    response: z.strictObject({ shares: list(shareRow, 500), more: bool }),
  },
} as const satisfies OperationTable;
