import { resolve } from 'node:path';
import { z } from 'zod';
import { Count, parseInput, Text, Texts } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { layDownAt } from '../lay-down-at.ts';
import { parseOptionalTime } from '../time.ts';
import { requireEntry, requireOneVault } from '../vault-paths.ts';

const schemas = {
  args: z.tuple([Texts.min(2)]),
  options: z.strictObject({ at: Text.optional(), version: Count.optional() }),
};

/** `PATH... LOCAL`, naming things as `cp -r` does. */
export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const local = resolve(context.cwd, args[0].at(-1) ?? '.');
  const atMs = parseOptionalTime(options.at, context.clock);
  await using session = await openHome(context);
  const typed = args[0].slice(0, -1);
  const places = await Promise.all(typed.map((path) => session.at(path, { atMs })));
  const [first] = places;
  if (first === undefined) throw new TypeError('a path was required');
  const { home } = first;
  for (const place of places) requireOneVault(home.vault, place.home.vault, 'get');
  const tree = atMs === undefined ? home.vault.tree : home.vault.tree.at(atMs);
  const entries = places.map(({ path }, index) => requireEntry(tree, path, typed[index]));
  return await layDownAt(context, { home, tree, entries, local, version: options.version });
};
