import { resolve } from 'node:path';
import { z } from 'zod';
import { Count, parseInput, Text, Texts } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { layDownAt } from '../lay-down-at.ts';
import { parseOptionalTime } from '../time.ts';
import { requireEntry } from '../vault-paths.ts';

const schemas = {
  args: z.tuple([Texts.min(2)]),
  options: z.strictObject({ at: Text.optional(), version: Count.optional() }),
};

/** `PATH... LOCAL`, naming things as `cp -r` does. */
export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const local = resolve(context.cwd, args[0].at(-1) ?? '.');
  const atMs = parseOptionalTime(options.at, context.clock);
  await using home = await openHome(context);
  const { tree: now } = await home.pulled();
  const tree = atMs === undefined ? now : now.at(atMs);
  const entries = args[0].slice(0, -1).map((path) => requireEntry(tree, path));
  return await layDownAt(context, { home, tree, entries, local, version: options.version });
};
