import { formatSize } from '@coffer/core';
import { backupAccounts } from '@coffer/storage';
import { z } from 'zod';
import { askServer, storageFolder } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const { clock, signal } = context;
  const storage = storageFolder(context, options.storage);
  const made =
    storage === undefined
      ? await askServer(context, (server) => server.backup(signal))
      : await backupAccounts({ path: storage, clock, signal }).then(({ file, ...facts }) => ({ path: file, ...facts }));
  const { path, bytes, accounts } = made;
  context.output.result({
    json: () => ({ path, bytes, accounts, verified: true }),
    text: () => `${safeText(path)}  ${formatSize(bytes)}, ${accounts} accounts, verified`,
  });
  return undefined;
};
