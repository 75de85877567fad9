import { formatSize, idKey } from '@coffer/core';
import { differenceOf } from '@coffer/server';
import { z } from 'zod';
import { askServer, auditedWork, openStorage, storageFolder } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const found =
    storage === undefined
      ? (await askServer(context, (server) => server.recount(context.signal))).accounts
      : await recountHere(context, storage);
  const rows = found.map(({ account, ...bytes }) => ({ account: idKey(account), ...bytes }));
  context.output.result({
    json: () => rows,
    text: () =>
      rows.length === 0
        ? 'everything was recorded rightly'
        : table([
            ['account', 'recorded', 'counted'],
            ...rows.map((row) => [row.account, formatSize(row.recordedBytes), formatSize(row.countedBytes)]),
          ]),
  });
  return undefined;
};

async function recountHere(context: CommandContext, storage: string) {
  await using opened = await openStorage(context, storage);
  return await auditedWork(context, { storage, event: 'admin.recount' }, async () => {
    const result = (await opened.recount({ signal: context.signal })).map(differenceOf);
    return { result, counts: { differences: result.length } };
  });
}
