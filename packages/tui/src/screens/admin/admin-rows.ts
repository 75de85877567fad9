import { countedAlertText } from '@coffer/client';
import { formatSize, idKey } from '@coffer/core';
import type { Detail, ListRow } from '../../app/list-pane.ts';
import type { Space } from '../../app/screen.ts';
import { duration, fullTime, shortTime } from '../../terminal/format.ts';
import type { LoggedText } from '../../services/server-log.ts';
import type { AdminRow, Section } from './admin-state.ts';

type RowIn<Name extends Section> = Extract<AdminRow, { readonly section: Name }>;
type Drawing = Pick<Space, 'theme' | 'nowMs' | 'isBare'>;

/** One row of the list. Names are the server's word, made safe by whoever draws them. */
export function adminRowText(row: AdminRow, drawing: Drawing): ListRow {
  switch (row.section) {
    case 'users':
      return userText(row);
    case 'requests':
      return requestText(row, drawing);
    case 'sessions':
      return sessionText(row, drawing);
    case 'alerts':
      return alertRow(row, drawing);
    case 'invites':
      return inviteText(row, drawing);
    case 'server':
      return row.row;
    case 'log':
      return logText(row.line);
    default:
      return row satisfies never;
  }
}

/** What is said of the row under the cursor. */
export function adminRowDetails(row: AdminRow, drawing: Pick<Drawing, 'nowMs'>): readonly Detail[] {
  switch (row.section) {
    case 'users':
      return userDetails(row);
    case 'requests':
      return requestDetails(row);
    case 'sessions':
      return sessionDetails(row);
    case 'alerts':
      return alertDetails(row);
    case 'invites':
      return inviteDetails(row, drawing);
    case 'server':
      return [
        { text: row.row.text, role: 'title' },
        { text: row.row.note ?? '' },
        { text: '' },
        { text: row.row.detail },
      ];
    case 'log':
      return lineDetails(row.line);
    default:
      return row satisfies never;
  }
}

export function limitText(bytes: number | null): string {
  return bytes === null ? 'no limit' : formatSize(bytes);
}

function userText({ user }: RowIn<'users'>): ListRow {
  const { username, role, state, storedBytes, quotaBytes } = user;
  const isFull = quotaBytes !== null && storedBytes >= quotaBytes * 0.9;
  const words = [role === 'admin' ? 'administrator' : '', state === 'suspended' ? 'SUSPENDED' : ''];
  const stored =
    quotaBytes === null ? formatSize(storedBytes) : `${formatSize(storedBytes)} of ${formatSize(quotaBytes)}`;
  return {
    text: username,
    note: [...words, stored].filter(Boolean).join('  '),
    role: state === 'suspended' || isFull ? 'warning' : 'plain',
  };
}

function userDetails({ user }: RowIn<'users'>): Detail[] {
  const { username, role, state, storedBytes, quotaBytes, largestFileBytes, contact, createdAtMs } = user;
  return [
    { text: username, role: 'title' },
    { text: role === 'admin' ? 'an administrator' : 'a user' },
    {
      text: state === 'suspended' ? 'suspended: no login works' : 'active',
      role: state === 'suspended' ? 'warning' : 'plain',
    },
    { text: `stores ${formatSize(storedBytes)}, may store ${limitText(quotaBytes)}` },
    ...(largestFileBytes === null ? [] : [{ text: `largest file ${formatSize(largestFileBytes)}` }]),
    ...(contact === '' ? [] : [{ text: `contact ${contact}` }]),
    { text: `made ${fullTime(createdAtMs)}` },
    { text: '' },
    { text: 'Enter shows devices and vaults.', role: 'dim' },
  ];
}

const requestWords = {
  'password-change': 'a new password',
  'password-reset': 'a lost password',
} as const;

function requestText({ request }: RowIn<'requests'>, { nowMs, theme }: Drawing): ListRow {
  const { username, kind, state, createdAtMs } = request;
  const isOpen = state === 'open';
  return {
    text: `${isOpen ? theme.glyphs.mark : ' '} ${username}: ${requestWords[kind]}`,
    note: `${isOpen ? 'waits' : state}  ${shortTime(createdAtMs, nowMs)}  ${idKey(request.request).slice(0, 4)}`,
    role: isOpen ? 'warning' : 'dim',
  };
}

function requestDetails({ request }: RowIn<'requests'>): Detail[] {
  const { username, kind, state, createdAtMs, activeAtMs, reason } = request;
  const active = state === 'approved' && activeAtMs !== null ? [{ text: `takes effect ${fullTime(activeAtMs)}` }] : [];
  return [
    { text: `${username}: ${requestWords[kind]}`, role: 'title' },
    { text: `asked ${fullTime(createdAtMs)}` },
    { text: state === 'open' ? 'waits for a decision' : state, role: state === 'open' ? 'warning' : 'plain' },
    ...active,
    ...(reason === '' ? [] : [{ text: `why: ${reason}` }]),
    { text: `request ${idKey(request.request).slice(0, 12)}`, role: 'dim' },
    { text: '' },
    ...(state === 'open' ? [{ text: 'A approves, X rejects; both ask first.', role: 'dim' as const }] : []),
  ];
}

function sessionText({ session }: RowIn<'sessions'>, { isBare }: Drawing): ListRow {
  const { username, deviceName, role, restedMs } = session;
  const kind = role === 'bulk' ? 'transfers' : 'control';
  return {
    text: `${username} on ${deviceName}`,
    // Read aloud, a time that ticks would be read at every tick.
    note: isBare ? kind : `${kind}  idle ${duration(restedMs)}`,
  };
}

function sessionDetails({ session }: RowIn<'sessions'>): Detail[] {
  const { username, deviceName, scope, address, sinceMs, restedMs } = session;
  return [
    { text: `${username} on ${deviceName}`, role: 'title' },
    { text: scope === 'worker' ? 'an unattended device' : 'a device with all keys' },
    { text: `from ${address}` },
    { text: `since ${fullTime(sinceMs)}, idle ${duration(restedMs)}` },
    { text: `session ${idKey(session.session)}`, role: 'dim' },
    { text: '' },
    { text: 'd ends it; its device may come back.', role: 'dim' },
  ];
}

function alertRow({ alert }: RowIn<'alerts'>, { nowMs, theme }: Drawing): ListRow {
  const isNew = alert.acknowledgedMs === null;
  return {
    text: `${isNew ? theme.glyphs.mark : ' '} ${countedAlertText(alert)}`,
    note: `${isNew ? 'new' : 'seen'}  ${shortTime(alert.atMs, nowMs)}`,
    role: isNew ? 'warning' : 'dim',
  };
}

function alertDetails({ alert }: RowIn<'alerts'>): Detail[] {
  const { atMs, acknowledgedMs, acknowledgedBy } = alert;
  const seen =
    acknowledgedMs === null
      ? 'Space says that you have looked at it.'
      : `seen ${fullTime(acknowledgedMs)} by ${acknowledgedBy ?? 'somebody'}`;
  return [
    { text: countedAlertText(alert), role: 'title' },
    { text: fullTime(atMs) },
    { text: '' },
    { text: seen, role: 'dim' },
  ];
}

function inviteText({ invite }: RowIn<'invites'>, { nowMs }: Drawing): ListRow {
  const { username, role, expiresAtMs } = invite;
  const state = inviteState(invite, nowMs);
  return {
    text: `${username ?? 'anybody'}${role === 'admin' ? ', as administrator' : ''}`,
    note: state === 'open' ? `until ${shortTime(expiresAtMs, nowMs)}` : state,
    role: state === 'open' ? 'plain' : 'dim',
  };
}

function inviteState(
  { usedAtMs, expiresAtMs }: RowIn<'invites'>['invite'],
  nowMs: number,
): 'open' | 'used' | 'expired' {
  if (usedAtMs !== null) return 'used';
  return expiresAtMs <= nowMs ? 'expired' : 'open';
}

function inviteDetails({ invite }: RowIn<'invites'>, { nowMs }: Pick<Drawing, 'nowMs'>): Detail[] {
  const { username, role, quotaBytes, createdAtMs, expiresAtMs } = invite;
  const state = inviteState(invite, nowMs);
  return [
    { text: `Invite for ${username ?? 'anybody who has it'}`, role: 'title' },
    { text: `${role === 'admin' ? 'an administrator' : 'a user'}, may store ${limitText(quotaBytes)}` },
    { text: `made ${fullTime(createdAtMs)}, good until ${fullTime(expiresAtMs)}` },
    { text: state },
    { text: '' },
    ...(state === 'open' ? [{ text: 'd withdraws it.', role: 'dim' as const }] : []),
  ];
}

function logText(line: LoggedText): ListRow {
  if ('text' in line) return { text: line.text, role: 'warning' };
  const { at, category, event, status, who } = line;
  const time = typeof at === 'number' ? fullTime(at) : at;
  const isGood = status === 'OK' || status === '';
  return { text: `${time}  ${category}  ${event}  ${who}`, note: status, role: isGood ? 'plain' : 'warning' };
}

function lineDetails(line: LoggedText): Detail[] {
  if ('text' in line) return [{ text: line.text }];
  const { at, category, event, status, who, address, rest } = line;
  return [
    { text: `${category}  ${event}`, role: 'title' },
    { text: typeof at === 'number' ? fullTime(at) : at },
    { text: status },
    { text: who },
    { text: `from ${address}` },
    ...rest.map((text) => ({ text })),
  ];
}
