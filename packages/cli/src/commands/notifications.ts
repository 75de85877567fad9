import { notificationText } from '@coffer/client';
import type { Account, Notification } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { Count, parseInput } from '../arguments.ts';
import { signedInAccount } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['list', 'read']).default('list'), z.union([z.literal('all'), Count]).optional()]),
  options: z.strictObject({}),
};

export const run: Command = async (context, input) => {
  const [action, which] = parseInput(input, schemas).args;
  if (action === 'list' && which !== undefined) throw usage();
  await using account = await signedInAccount(context);
  if (action === 'list') return await list(context, account);
  if (which === undefined) throw usage();
  if (which === 'all') await account.notifications.readAll(context.signal);
  else await account.notifications.read(which, context.signal);
  context.output.result({ json: () => ({ read: which }), text: () => 'marked as read' });
  return undefined;
};

async function list(context: CommandContext, account: Account): Promise<undefined> {
  const { notifications } = await account.notifications.list(context.signal);
  const names = { devices: await account.refreshDevices(context.signal) };
  const text = (one: Notification): string => notificationText(one, names);
  context.output.result({
    json: () =>
      notifications.map((one) => ({
        id: one.id,
        at: isoTime(one.atMs),
        kind: one.kind,
        text: text(one),
        read: one.read,
      })),
    text: () =>
      table(notifications.map((one) => [String(one.id), formatTime(one.atMs), one.read ? ' ' : '*', text(one)])),
  });
  return undefined;
}

function usage(): CofferError {
  return new CofferError('INVALID', 'say which notification', {
    hint: 'coffer notifications, or coffer notifications read ID|all',
  });
}
