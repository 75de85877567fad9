import { formatSize } from '@coffer/core';
import { backupAccounts } from '@coffer/storage';
import { z } from 'zod';
import { askServer, noteWork, storageFolder } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const made =
    storage === undefined
      ? await askServer(context, (server) => server.backup(context.signal))
      : await backupHere(context, storage);
  const { path, bytes, accounts } = made;
  context.output.result({
    json: () => ({ path, bytes, accounts, verified: true }),
    text: () => `${safeText(path)}  ${formatSize(bytes)}, ${accounts} accounts, verified`,
  });
  return undefined;
};

async function backupHere(context: CommandContext, path: string) {
  const { clock, signal } = context;
  const { file, bytes, accounts } = await backupAccounts({ path, clock, signal });
  await noteWork(context, { storage: path, category: 'backup', event: 'admin.backup' }, { accounts });
  return { path: file, bytes, accounts };
}
