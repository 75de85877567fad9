import { rebuildIndex } from '@coffer/storage';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { folderOf } from '../folders.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const path = folderOf(context, { given: options.storage, name: 'storage' });
  const report = await rebuildIndex({ path, clock: context.clock, random: context.random, signal: context.signal });
  context.output.result({
    json: () => report,
    text: () => `index.db was made again: ${report.vaults} vaults, ${report.commits} commits, ${report.chunks} chunks`,
  });
  return undefined;
};
