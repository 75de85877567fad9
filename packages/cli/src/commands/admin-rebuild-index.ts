import { MiB, silentLogger } from '@coffer/core';
import { rebuildIndex } from '@coffer/storage';
import { z } from 'zod';
import { noteWork } from '../admin-place.ts';
import { parseInput, Text } from '../arguments.ts';
import type { Command } from '../context.ts';
import { folderOf } from '../folders.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({ storage: Text.optional() }) };

/** Nothing is appended, so the size at which a pack is full does not matter here. */
const packBytes = 64 * MiB;

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const path = folderOf(context, { given: options.storage, name: 'storage' });
  const { clock, random, signal } = context;
  const report = await rebuildIndex({ path, packBytes, clock, random, logger: silentLogger, signal });
  const { packs, records, commits } = report;
  await noteWork(context, { storage: path, event: 'admin.rebuildIndex' }, { packs, records, commits });
  context.output.result({
    json: () => report,
    text: () =>
      `index.db was made again from ${report.packs} packs: ${report.records} records, ${report.commits} commits`,
  });
  return undefined;
};
