import { formatSize } from '@coffer/core';
import { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { folderOf } from '../folders.ts';
import { table } from '../output.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = folderOf(context, { given: options.storage, name: 'storage' });
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  const rows = (await accounts.list()).map((account) => ({
    username: account.username,
    role: account.role,
    state: account.state,
    quotaBytes: account.quotaBytes,
    contact: account.contact,
    folder: account.folder,
  }));
  context.output.result({
    json: () => rows,
    text: () =>
      table([
        ['username', 'role', 'state', 'quota', 'contact'],
        ...rows.map((row) => [
          row.username,
          row.role,
          row.state,
          row.quotaBytes === null ? '-' : formatSize(row.quotaBytes),
          row.contact,
        ]),
      ]),
  });
  return undefined;
};
