import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { displayPath, isRoot, placeInto, requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text, Text]), options: z.strictObject({}) };

/** A name that is taken is never overwritten: the other file would lose its history under that name. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using home = await openHome(context);
  const vault = await home.pulled();
  const source = requireEntry(vault.tree, args[0]);
  if (isRoot(source)) throw new CofferError('INVALID', 'the root of the vault cannot be moved');
  const target = placeInto(vault.tree, { source, target: args[1] });
  if (target.present !== undefined) {
    throw new CofferError('EXISTS', `${args[1]} is there already`, {
      hint: 'Remove it first, or choose another name.',
    });
  }
  const above = vault.tree.path(target.parent.entry) ?? [];
  const own = vault.tree.path(source.entry) ?? [];
  if (own.every((name, index) => above[index] === name)) {
    throw new CofferError('INVALID', `${args[0]} cannot be moved into itself`);
  }
  await using batch = vault.batch();
  await batch.move(source.entry, { parent: target.parent.entry, name: target.name }, context.signal);
  await home.commit(batch);
  const path = displayPath([...above, target.name]);
  context.output.result({ json: () => ({ from: displayPath(own), path }), text: () => '' });
  return undefined;
};
