import { lostTeamText, revokeOwn } from '@coffer/client';
import type { RevokeOwnReport } from '@coffer/client';
import type { Services } from '../../services/services.ts';
import { count } from '../../terminal/format.ts';
import type { ShownDevice } from './settings-state.ts';

/** Revokes another device and takes from it what it could still use, once what that means was agreed to. */
export async function revokeShown(services: Services, device: ShownDevice): Promise<void> {
  const { ui, askPassword, profile, beginInterlude } = services;
  const isAgreed = await ui.confirm({
    title: `Revoke ${device.name}`,
    lines: planLines(services, device),
    yes: 'revoke it',
    word: device.name,
  });
  if (!isAgreed) return;
  const password = await askPassword();
  let report: RevokeOwnReport | undefined;
  beginInterlude({
    label: `revoking ${device.name}`,
    password,
    run: async (signal) => {
      report = await revokeOwn({ profile, device: device.device, password: () => Promise.resolve(password) }, signal);
    },
    after: () => {
      ui.show('settings');
      if (report !== undefined) ui.say(reportText(device.name, report), 'good');
    },
  });
}

function planLines({ transfers, jobs }: Services, { scope }: ShownDevice): string[] {
  const active = transfers.active.length + jobs.store.state.jobs.filter(({ running }) => running !== 'no').length;
  const ends =
    active === 0 ? [] : [`Transfers and runs of this program end for it: ${active}. Begun again, they go on.`];
  const always = [
    'It is signed out at once, and reads nothing that is written from now on. Files that lie on it stay there.',
  ];
  if (scope === 'worker')
    return [...always, 'The vaults that it serves get new keys; other devices notice nothing.', ...ends];
  return [
    ...always,
    'It holds the keys of the account, and all of them are changed:',
    'your other devices ask for the password once; unattended ones have to sign in again;',
    'people you share with compare words with you again, or the administrator certifies you.',
    ...ends,
  ];
}

function reportText(name: string, { rotated, vaults, wasRevoked, lostTeams }: RevokeOwnReport): string {
  const first = wasRevoked ? `${name} was revoked before` : `${name} is revoked`;
  const rest = vaults === 0 ? '' : `; ${count(vaults, 'vault')} with new keys`;
  return [`${first}${rotated ? '; the account has new keys' : ''}${rest}`, ...lostTeams.map(lostTeamText)].join('. ');
}
