import { formatSize, idKey, toHex } from '@coffer/core';
import { z } from 'zod';
import { storageFolder } from '../admin-place.ts';
import { parseInput, Text, Username } from '../arguments.ts';
import type { Command } from '../context.ts';
import { table } from '../output.ts';
import { shownUser } from '../shown-user.ts';
import type { ShownUser } from '../shown-user.ts';
import { formatTime } from '../time.ts';

const schemas = { args: z.tuple([Username]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const shown = await shownUser(context, { storage, username: args[0] });
  context.output.result({
    json: () => ({ ...shown, account: idKey(shown.account), fingerprint: toHex(shown.fingerprint) }),
    text: () => userText(shown),
  });
  return undefined;
};

function userText(user: ShownUser): string {
  const facts = table([
    ['username', user.username],
    ['account', idKey(user.account)],
    ['role', user.role],
    ['state', user.mustChange ? `${user.state}, with the password that an administrator chose` : user.state],
    ['stored', formatSize(user.storedBytes)],
    ['quota', user.quotaBytes === null ? 'no limit' : formatSize(user.quotaBytes)],
    ['contact', user.contact === '' ? '-' : user.contact],
    ['folder', user.folder === '' ? '-' : user.folder],
    ['made', formatTime(user.createdAtMs)],
    ['keys', `${toHex(user.fingerprint)}${user.certified ? ', certified' : ', not certified'}`],
    ...(user.vaults === null ? [] : [['vaults', vaultsText(user.vaults)]]),
  ]);
  if (user.devices.length === 0) return `${facts}\n\nno devices yet`;
  const devices = table([
    ['device', 'kind', 'last seen'],
    ...user.devices.map(({ name, scope, revoked, lastSeenMs }) => [
      name,
      revoked ? `${scope}, revoked` : scope,
      lastSeenMs === null ? 'never' : formatTime(lastSeenMs),
    ]),
  ]);
  return `${facts}\n\n${devices}`;
}

function vaultsText({ owned, shared, received }: NonNullable<ShownUser['vaults']>): string {
  return `${owned} owned, ${shared} of them shared with others; ${received} of others`;
}
