import { formatSize } from '@coffer/core';
import { listUsers } from '@coffer/server';
import type { UserRow } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { askServer, storageFolder } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const rows: readonly UserRow[] =
    storage === undefined
      ? await askServer(context, (server) => server.users(context.signal))
      : await usersHere(context, storage);
  context.output.result({
    json: () => rows,
    text: () =>
      table([
        ['username', 'role', 'state', 'stored', 'quota', 'largest file', 'contact'],
        ...rows.map((row) => [
          row.username,
          row.role,
          row.state,
          formatSize(row.storedBytes),
          limitText(row.quotaBytes),
          limitText(row.largestFileBytes),
          row.contact,
        ]),
      ]),
  });
  return undefined;
};

async function usersHere(context: CommandContext, storage: string): Promise<readonly UserRow[]> {
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  return await listUsers(storage, accounts);
}

function limitText(bytes: number | null): string {
  return bytes === null ? '-' : formatSize(bytes);
}
