import { CofferError, type AccountId } from '@coffer/core';
import {
  notificationKinds,
  protocolLimits,
  type Handlers,
  type NotificationKind,
  type ResponseOf,
} from '@coffer/protocol';
import type { Notification } from '@coffer/storage';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

type NotificationOperation = Extract<keyof Handlers<Connection>, `notification.${string}`>;
type Shown = ResponseOf<'notification.list'>['notifications'][number];

/** What the account was told. Nobody reads or marks another's: ids count for each account alone. */
export function notificationHandlers(services: Services): Pick<Handlers<Connection>, NotificationOperation> {
  const { notifications } = services.accounts;
  return {
    'notification.list': async ({ before }, { context }) => {
      requireFull(context);
      const page = { before: before ?? undefined, limit: protocolLimits.notificationsPerMessage };
      const { notifications: found, ...rest } = await notifications.list(context.account, page);
      return { notifications: await Promise.all(found.flatMap((one) => shown(services, one))), ...rest };
    },
    'notification.read': async (range, { context }) => {
      requireFull(context);
      return { unread: await notifications.markRead(context.account, range) };
    },
  };
}

/** One of a kind that only a newer server knows is left out. */
function shown(services: Services, { kind, ...rest }: Notification): readonly Promise<Shown>[] {
  const known = notificationKinds.find((name) => name === kind);
  return known === undefined ? [] : [withName(services, { ...rest, kind: known })];
}

async function withName(
  { accounts }: Services,
  notification: Omit<Notification, 'kind'> & { readonly kind: NotificationKind },
): Promise<Shown> {
  return { ...notification, username: await nameOf(accounts, notification.actor) };
}

async function nameOf(accounts: Services['accounts'], actor: AccountId | null): Promise<string | null> {
  return actor === null ? null : ((await accounts.byId(actor))?.username ?? null);
}

/** Whoever takes an unattended machine must not mark as read what tells of it. */
function requireFull({ device }: Connection): void {
  if (device.scope === 'full') return;
  throw new CofferError('NOT_ALLOWED', 'an unattended device has no notifications', {
    hint: 'Log in on a machine of your own without --keystore file.',
  });
}
