import { equalBytes } from '@coffer/core';
import type { DeviceId, VaultId } from '@coffer/core';
import type { Notification } from './notification.ts';

/** What this device knows of the ids in a notification. */
export interface NotificationNames {
  /** Devices of the own account. */
  readonly devices: readonly { readonly device: DeviceId; readonly name: string }[];
  /** Where a vault is mounted; `undefined` for one that is not here. */
  readonly pathOf?: (vault: VaultId) => string | undefined;
}

/**
 * One sentence for a person. Names in it come from others: who shows it makes them safe for a terminal. The facts are the
 * server's word.
 */
export function notificationText(notification: Notification, names: NotificationNames): string {
  const { times } = notification;
  const text = sentence(notification, names);
  return times > 1 && !countsItself.has(notification.kind) ? `${text} (${times} times)` : text;
}

/** Kinds whose sentence says how many. */
const countsItself: ReadonlySet<Notification['kind']> = new Set(['file-changed', 'quota', 'failed-logins']);

function sentence(notification: Notification, names: NotificationNames): string {
  const { kind, word, figure, times } = notification;
  const who = notification.username ?? 'somebody who is gone';
  const where = placeOf(notification, names);
  switch (kind) {
    case 'shared':
      return `${who} shared ${where} with you${word === null ? '' : ` to ${word}`}`;
    case 'role-changed':
      return `${who} changed what you may do in ${where}${word === null ? '' : ` to ${word}`}`;
    case 'access-revoked':
      return `${who} ended your access to ${where}`;
    case 'file-changed':
      return `${who} made ${times === 1 ? 'a change' : `${times} changes`} in ${where}`;
    case 'request-decided':
      return `your request was ${word ?? 'decided'}`;
    case 'new-device':
      return `a new device signed in: ${deviceOf(notification, names)}`;
    case 'failed-logins':
      return `failed logins to your account: ${figure ?? times} attempts with a wrong password`;
    case 'quota':
      return `your vault has reached ${figure ?? '?'} % of its quota`;
    case 'job-failing':
      return `a sync job of ${deviceOf(notification, names)} ${word === 'missing' ? 'has not run for a while' : `fails${figure === null ? '' : `, ${figure} times in a row`}`}`;
    case 'identity-changed':
      return `the keys of ${who} have changed; compare them with \`coffer verify-person\``;
    case 'recovery-started':
      return 'somebody asks to set a new password for your account with the recovery key; cancel it if that was not you';
  }
}

function placeOf({ vault }: Notification, { pathOf }: NotificationNames): string {
  return (vault === null ? undefined : pathOf?.(vault)) ?? 'a folder';
}

function deviceOf({ device }: Notification, { devices }: NotificationNames): string {
  const known = device === null ? undefined : devices.find((one) => equalBytes(one.device, device));
  return known?.name ?? 'a device that is not known here';
}
