import { findUser } from '@coffer/server';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { parseInput, Text, Username } from '../arguments.ts';
import type { Command } from '../context.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([Username]), options: z.strictObject({ storage: Text.optional() }) };

/** Suspended: no login and no session, from now on; nothing is lost, and those it shares with go on. */
export const suspend: Command = commandFor('suspended', 'is suspended: every session has ended, and no login works');
export const resume: Command = commandFor('active', 'may sign in again');

function commandFor(state: 'active' | 'suspended', said: string): Command {
  return async (context, input) => {
    const { args, options } = parseInput(input, schemas);
    const [username] = args;
    const storage = storageFolder(context, options.storage);
    if (storage === undefined)
      await askServer(context, (server) => server.accounts.setState({ username, state }, context.signal));
    else {
      await changeAccounts(context, { storage, event: 'admin.userState' }, async (accounts) => {
        const { account: subject } = await findUser(accounts, username);
        return { result: await accounts.setState(subject, state), subject, note: state };
      });
    }
    context.output.result({ json: () => ({ username, state }), text: () => safeText(`${username} ${said}`) });
    return undefined;
  };
}
