import { formatSize } from '@coffer/core';
import { collectAll } from '@coffer/server';
import { z } from 'zod';
import { askServer, auditedWork, openStorage, storageFolder } from '../admin-place.ts';
import { Flag, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({ storage: Text.optional(), acceptClock: Flag }),
};

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const { acceptClock } = options;
  const storage = storageFolder(context, options.storage);
  const counts =
    storage === undefined
      ? await askServer(context, (server) => server.collect({ acceptClock }, context.signal))
      : await collectHere(context, { storage, acceptClock });
  const { expiredVersions = 0, chunks = 0, bytesFreed = 0 } = counts;
  context.output.result({
    json: () => counts,
    text: () =>
      `${expiredVersions} versions expired, ${chunks} chunks removed, ${formatSize(bytesFreed)} given back to the disk`,
  });
  return undefined;
};

async function collectHere(
  context: CommandContext,
  { storage, acceptClock }: { readonly storage: string; readonly acceptClock: boolean },
): Promise<Readonly<Record<string, number>>> {
  await using opened = await openStorage(context, storage);
  if (acceptClock)
    await auditedWork(context, { storage, event: 'admin.acceptClock' }, async () => ({
      result: await opened.acceptClock(),
    }));
  return await auditedWork(context, { storage, event: 'admin.collect' }, async () => {
    const counts = await collectAll(opened, context.signal);
    return { result: counts, counts };
  });
}
