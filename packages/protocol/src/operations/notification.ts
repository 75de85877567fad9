import { EntryId } from '@coffer/core';
import { z } from 'zod';
import { protocolLimits } from '../limits.ts';
import { account, bytes, choice, count, device, list, text, timeMs, vault } from './fields.ts';
import type { EventTable, OperationTable } from './operation.ts';

/** What a notification can be about. Names are append-only. */
export const notificationKinds = [
  'shared',
  'role-changed',
  'access-revoked',
  'file-changed',
  'request-decided',
  'new-device',
  'failed-logins',
  'quota',
  'job-failing',
  'identity-changed',
  'recovery-started',
  'alert',
  'request-made',
  'password-changed',
  'change-requested',
  'member-quota',
] as const;
export type NotificationKind = (typeof notificationKinds)[number];

const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().describe(`${schema.description ?? 'map'} | null`);

/** A fixed word that says more: a role, a decision, a task. */
const word = z
  .string()
  .regex(/^[a-z][a-zA-Z-]{0,31}$/)
  .describe('word ≤ 32');

const notification = z.strictObject({
  id: count,
  atMs: timeMs,
  kind: choice(notificationKinds),
  read: z.boolean().describe('bool'),
  times: count,
  actor: orNull(account),
  username: orNull(text(64)),
  vault: orNull(vault),
  entry: orNull(EntryId.describe('bytes(16)')),
  device: orNull(device),
  request: orNull(bytes(16)),
  word: orNull(word),
  figure: orNull(count),
});

export const notificationOperations = {
  'notification.list': {
    code: 0x0c01,
    access: 'device',
    about:
      'Notifications of the own account, newest first, those with an id below `before` (null: from the newest). `times`: so many became one. `username` is what the actor is called now. Full devices only.',
    request: z.strictObject({ before: orNull(count) }),
    response: z.strictObject({
      notifications: list(notification, protocolLimits.notificationsPerMessage),
      more: z.boolean().describe('bool'),
      unread: count,
    }),
  },
  'notification.read': {
    code: 0x0c02,
    access: 'device',
    about: 'Marks those with an id from `first` to `last` as read; NOT_FOUND when there are none. Full devices only.',
    request: z.strictObject({ first: count, last: count }),
    response: z.strictObject({ unread: count }),
  },
} as const satisfies OperationTable;

export const notificationEvents = {
  'notification.arrived': {
    code: 0x0c81,
    about:
      'There are notifications up to `id`; some in between may be left out. Sent to every full device that is connected.',
    message: z.strictObject({ id: count }),
  },
} as const satisfies EventTable;
