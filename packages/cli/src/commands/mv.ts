import { CofferError } from '@coffer/core';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { displayPath, isRoot, placeInto, requireEntry, requireOneVault } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text, Text]), options: z.strictObject({}) };

/** A name that is taken is never overwritten: the other file would lose its history under that name. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path: from } = await session.at(args[0], { write: true, follow: false });
  const { home: other, path: to } = await session.at(args[1], { write: true });
  requireOneVault(home.vault, other.vault, 'mv');
  const { vault } = home;
  const source = requireEntry(vault.tree, from, args[0]);
  if (isRoot(source)) throw new CofferError('INVALID', 'the root of the vault cannot be moved');
  const target = placeInto(vault.tree, { source, target: to });
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
  const path = displayPath(other.shown([...above, target.name]));
  context.output.result({ json: () => ({ from: displayPath(home.shown(own)), path }), text: () => '' });
  return undefined;
};
