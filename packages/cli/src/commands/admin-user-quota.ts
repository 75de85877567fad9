import { formatSize } from '@coffer/core';
import { setQuota } from '@coffer/server';
import type { QuotaChange } from '@coffer/server';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { Limit, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { safeText } from '../safe-text.ts';

const schemas = {
  args: z.tuple([z.string().min(1).max(64), Limit]),
  options: z.strictObject({ largestFile: Limit.optional(), storage: Text.optional() }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [username, quotaBytes] = args;
  const change: QuotaChange = {
    username,
    quotaBytes,
    largestFileBytes: options.largestFile === undefined ? 'keep' : options.largestFile,
  };
  const storage = storageFolder(context, options.storage);
  if (storage === undefined) await askServer(context, (server) => server.setQuota(change, context.signal));
  else await setHere(context, { storage, change });
  context.output.result({
    json: () => change,
    text: () =>
      safeText(`${username} may store ${quotaBytes === null ? 'without a limit' : formatSize(quotaBytes)} from now on`),
  });
  return undefined;
};

async function setHere(
  context: CommandContext,
  { storage, change }: { readonly storage: string; readonly change: QuotaChange },
): Promise<void> {
  await changeAccounts(context, { storage, event: 'admin.userQuota' }, async (accounts) => ({
    result: undefined,
    subject: await setQuota(accounts, change),
  }));
}
