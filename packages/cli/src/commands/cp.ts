import { CofferError, equalBytes } from '@coffer/core';
import { copyEntry } from '@coffer/client';
import type { Entry } from '@coffer/client';
import { z } from 'zod';
import { parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { Reseal } from '../reseal.ts';
import { displayPath, isRoot, placeInto, requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text, Text]), options: z.strictObject({}) };

/** Copies within a vault refer to the same chunks: nothing is sent but the commit. Into another vault content is sealed anew. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home: from, path: sourcePath } = await session.at(args[0]);
  const { home, path: targetPath } = await session.at(args[1], { write: true });
  const { vault } = home;
  const source = requireEntry(from.vault.tree, sourcePath, args[0]);
  if (isRoot(source)) throw new CofferError('INVALID', 'the root of the vault cannot be copied');
  const target = placeInto(vault.tree, { source, target: targetPath });
  if (target.present !== undefined) {
    throw new CofferError('EXISTS', `${args[1]} is there already`, {
      hint: 'Remove it first, or choose another name.',
    });
  }
  const above = vault.tree.path(target.parent.entry) ?? [];
  const isOther = !equalBytes(from.vault.id, vault.id);
  await using reseal = isOther ? await Reseal.open(from.vault, vault) : undefined;
  await using batch = vault.batch(reseal === undefined ? {} : { uploader: reseal.uploader });
  const copying = { tree: from.vault.tree, batch, source, to: { parent: target.parent.entry, name: target.name } };
  const upload = reseal && ((file: Entry) => reseal.content(file, context.signal));
  const { copied } = await copyEntry({ ...copying, ...(upload && { upload }) }, context.signal);
  await home.commit(batch);
  const path = displayPath(home.shown([...above, target.name]));
  context.output.result({ json: () => ({ path, copied }), text: () => '' });
  return undefined;
};
