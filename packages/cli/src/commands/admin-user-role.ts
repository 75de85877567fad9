import { findUser } from '@coffer/server';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { parseInput, Text, Username } from '../arguments.ts';
import type { Command } from '../context.ts';
import { safeText } from '../safe-text.ts';

const schemas = {
  args: z.tuple([Username, z.enum(['user', 'admin'])]),
  options: z.strictObject({ storage: Text.optional() }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [username, role] = args;
  const storage = storageFolder(context, options.storage);
  if (storage === undefined)
    await askServer(context, (server) => server.accounts.setRole({ username, role }, context.signal));
  else {
    await changeAccounts(context, { storage, event: 'admin.userRole' }, async (accounts) => {
      const { account: subject } = await findUser(accounts, username);
      return { result: await accounts.setRole(subject, role), subject, note: role };
    });
  }
  context.output.result({
    json: () => ({ username, role }),
    text: () => safeText(`${username} is ${role === 'admin' ? 'an administrator' : 'no administrator'} from now on`),
  });
  return undefined;
};
