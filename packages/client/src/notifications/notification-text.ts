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
const countsItself: ReadonlySet<Notification['kind']> = new Set([
  'file-changed',
  'quota',
  'member-quota',
  'failed-logins',
]);

function sentence(notification: Notification, names: NotificationNames): string {
  return sentences[notification.kind]({
    ...notification,
    isOwn: notification.actor === null,
    who: notification.username ?? 'somebody who is gone',
    where: placeOf(notification, names),
    device: deviceOf(notification, names),
  });
}

interface Facts extends Pick<Notification, 'word' | 'figure' | 'times'> {
  readonly who: string;
  /** Nobody else did it. */
  readonly isOwn: boolean;
  readonly where: string;
  readonly device: string;
}

const sentences: Readonly<Record<Notification['kind'], (facts: Facts) => string>> = {
  shared: ({ who, where, word }) =>
    word === 'team' ? `${who} took you into a team` : `${who} shared ${where} with you${to(word)}`,
  'role-changed': ({ who, where, word }) => `${who} changed what you may do in ${where}${to(word)}`,
  'access-revoked': ({ who, where, word }) =>
    word === 'team' ? `${who} took you out of a team` : `${who} ended your access to ${where}`,
  'file-changed': ({ who, where, times }) => `${who} made ${times === 1 ? 'a change' : `${times} changes`} in ${where}`,
  'request-decided': ({ word }) => `your request was ${word ?? 'decided'}`,
  'new-device': ({ device }) => `a new device signed in: ${device}`,
  'failed-logins': ({ figure, times }) => `failed logins to your account: ${figure ?? times} with a wrong password`,
  quota: ({ figure }) => `your vault has reached ${figure ?? '?'} % of its quota`,
  'member-quota': ({ who, figure }) =>
    `${who} has used ${figure ?? '?'} % of what one member may store in your folders`,
  'job-failing': ({ device, figure }) =>
    `a sync job of ${device} fails${figure === null ? '' : `, ${figure} times in a row`}`,
  'identity-changed': ({ isOwn, who }) =>
    isOwn
      ? 'the keys of your account were changed on one of your devices; the others take them over with your password'
      : `the keys of ${who} have changed; compare them with \`coffer verify-person\``,
  alert: ({ word }) => `the server raised an alert (${word ?? 'unknown'}); see \`coffer admin alerts\``,
  'recovery-started': () =>
    'somebody asks to set a new password for your account with the recovery key; if that was not you: coffer password cancel',
  'request-made': ({ who }) => `${who} asks for a decision; see \`coffer admin requests\``,
  'change-requested': ({ device }) =>
    `a new password for your account was asked for on ${device}; if that was not you: coffer password cancel`,
  'password-changed': () => 'the password of your account was changed; all other sessions have ended',
};

function to(word: string | null): string {
  return word === null ? '' : ` to ${word}`;
}

function placeOf({ vault }: Notification, { pathOf }: NotificationNames): string {
  return (vault === null ? undefined : pathOf?.(vault)) ?? 'a folder';
}

function deviceOf({ device }: Notification, { devices }: NotificationNames): string {
  const known = device === null ? undefined : devices.find((one) => equalBytes(one.device, device));
  return known?.name ?? 'a device that is not known here';
}
