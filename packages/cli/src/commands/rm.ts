import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { isRoot, requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([z.array(Text).min(1).max(10_000)]), options: z.strictObject({ recursive: Flag }) };

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using home = await openHome(context);
  const vault = await home.pulled();
  const entries = args[0].map((path) => {
    const entry = requireEntry(vault.tree, path);
    if (isRoot(entry)) throw new CofferError('INVALID', 'the root of the vault cannot be removed');
    if (entry.kind === 'directory' && !options.recursive) {
      throw new CofferError('INVALID', `${path} is a folder`, { hint: 'Remove it with all below by --recursive.' });
    }
    return entry;
  });
  await using batch = vault.batch();
  await batch.remove(
    entries.map(({ entry }) => entry),
    context.signal,
  );
  await home.commit(batch);
  context.output.result({ json: () => ({ removed: entries.length }), text: () => '' });
  return undefined;
};
