import { CofferError } from '@coffer/core';
import { copyEntry } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { displayPath, isRoot, placeInto, requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text, Text]), options: z.strictObject({}) };

/** Copies within the vault refer to the same chunks: nothing is sent but the commit. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using home = await openHome(context);
  const vault = await home.pulled();
  const source = requireEntry(vault.tree, args[0]);
  if (isRoot(source)) throw new CofferError('INVALID', 'the root of the vault cannot be copied');
  const target = placeInto(vault.tree, { source, target: args[1] });
  if (target.present !== undefined) {
    throw new CofferError('EXISTS', `${args[1]} is there already`, {
      hint: 'Remove it first, or choose another name.',
    });
  }
  const above = vault.tree.path(target.parent.entry) ?? [];
  await using batch = vault.batch();
  const to = { parent: target.parent.entry, name: target.name };
  const { copied } = await copyEntry({ tree: vault.tree, batch, source, to }, context.signal);
  await home.commit(batch);
  const path = displayPath([...above, target.name]);
  context.output.result({ json: () => ({ path, copied }), text: () => '' });
  return undefined;
};
