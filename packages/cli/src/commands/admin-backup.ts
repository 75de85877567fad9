import { formatSize } from '@coffer/core';
import { backupAccounts } from '@coffer/storage';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { folderOf } from '../folders.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const path = folderOf(context, { given: options.storage, name: 'storage' });
  const { file, bytes, accounts } = await backupAccounts({ path, clock: context.clock, signal: context.signal });
  context.output.result({
    json: () => ({ path: file, bytes, accounts, verified: true }),
    text: () => `${file}  ${formatSize(bytes)}, verified`,
  });
  return undefined;
};
