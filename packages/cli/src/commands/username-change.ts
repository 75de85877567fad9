import { z } from 'zod';
import { parseInput, Username } from '../arguments.ts';
import { requireFullDevice, signedInAccount } from '../compose.ts';
import type { Command } from '../context.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([Username]), options: z.strictObject({}) };

export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using account = await signedInAccount(context);
  requireFullDevice(account);
  await account.credentials.rename(args[0], context.signal);
  context.output.result({
    json: () => ({ username: args[0] }),
    text: () =>
      safeText(
        `you are ${args[0]} from now on; whoever shares with you sees the new name as unconfirmed until an administrator certifies it`,
      ),
  });
  return undefined;
};
