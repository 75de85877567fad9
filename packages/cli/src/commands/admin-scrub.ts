import { scrubAll } from '@coffer/server';
import { z } from 'zod';
import { askServer, auditedWork, openStorage, storageFolder } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const { count, first } =
    storage === undefined
      ? await askServer(context, (server) => server.scrub(context.signal))
      : await scrubHere(context, storage);
  for (const finding of first) context.output.note(`damaged: ${safeText(finding)}`);
  context.output.result({
    json: () => ({ clean: count === 0, count, first }),
    text: () => (count === 0 ? 'everything is in order' : `${count} problems found`),
  });
  return count === 0 ? undefined : exitCodes.integrity;
};

async function scrubHere(context: CommandContext, storage: string) {
  await using opened = await openStorage(context, storage);
  return await auditedWork(context, { storage, event: 'admin.scrub' }, async () => {
    const result = await scrubAll(opened, { clock: context.clock, signal: context.signal });
    return { result, counts: { findings: result.count } };
  });
}
