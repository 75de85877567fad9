import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome, requireFullDevice } from '../compose.ts';
import type { Command } from '../context.ts';
import { safeText } from '../safe-text.ts';
import { requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text, Text.optional()]), options: z.strictObject({}) };

export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  requireFullDevice(session.account);
  const { sharing, info } = session.account;
  const { home, path } = await session.at(args[0], { follow: false });
  await session.workOff();
  const { share } = home.place ?? {};
  if (share !== undefined && (args[1] === undefined || args[1] === info.username)) {
    await sharing.leave(share, context.signal);
    context.output.result({
      json: () => ({ path: args[0], member: info.username }),
      text: () => `you no longer have what ${safeText(share.ownerName)} shared there`,
    });
    return undefined;
  }
  const mount = requireEntry(home.vault.tree, path, args[0]);
  if (mount.kind !== 'mount' || home.vault !== session.vault) throw notShared(args[0]);
  if (args[1] === undefined)
    throw new CofferError('INVALID', 'say from whom it is to be taken', { hint: 'coffer unshare PATH NAME' });
  const known = await sharing.memberNamed({ mount, name: args[1] }, context.signal);
  const { account, username } = known ?? (await sharing.find(args[1], context.signal));
  await sharing.unshare({ mount, member: account }, context.signal);
  context.output.result({
    json: () => ({ path: args[0], member: username }),
    text: () => `${safeText(username)} no longer gets what is written there from now on`,
  });
  return undefined;
};

function notShared(path: string): CofferError {
  return new CofferError('NOT_FOUND', `${path} is not shared by you`, { hint: 'See what is with `coffer shares`.' });
}
