import { CofferError, formatSize } from '@coffer/core';
import { findUser, showUser } from '@coffer/server';
import type { UserView } from '@coffer/server';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { parseInput, Text, Username } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { confirm } from '../prompt.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([Username]), options: z.strictObject({ storage: Text.optional() }) };

/** Nothing is removed before what goes with it was said, and agreed to. */
export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  if (storage === undefined) {
    await askServer(context, async ({ accounts }) => {
      await agree(context, await accounts.show(args[0], context.signal));
      await accounts.remove(args[0], context.signal);
    });
  } else {
    await changeAccounts(context, { storage, event: 'admin.userRemove' }, async (accounts) => {
      await agree(context, await showUser(storage, accounts, args[0]));
      const { account: subject } = await findUser(accounts, args[0]);
      return { result: await accounts.remove(subject), subject };
    });
  }
  context.output.result({
    json: () => ({ username: args[0], removed: true }),
    text: () => safeText(`${args[0]} is removed; the name is free`),
  });
  return undefined;
};

type Doomed = Pick<UserView, 'username' | 'storedBytes'> & { readonly vaults?: UserView['vaults'] };

async function agree(context: CommandContext, user: Doomed): Promise<void> {
  context.output.note(safeText(whatGoes(user)));
  if (await confirm(context, 'Remove it for good?')) return;
  throw new CofferError('CANCELLED', 'nothing was removed', { hint: 'Say yes on a terminal, or give --yes.' });
}

function whatGoes({ username, storedBytes, vaults }: Doomed): string {
  const shares =
    vaults === undefined
      ? 'what it shares with others'
      : `${vaults.shared} of its ${vaults.owned} vaults, which it shares with others`;
  return [
    `${username}: the password record and the sealed keys are deleted, and its ${formatSize(storedBytes)} can never be read again`,
    `but by a device that still has the keys. Nobody gets at ${shares}, from now on.`,
    `To stop it for a time instead: coffer admin user suspend ${username}.`,
  ].join(' ');
}
