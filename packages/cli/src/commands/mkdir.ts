import { CofferError, rootEntry, timestampFromMs } from '@coffer/core';
import { splitPath } from '@coffer/client';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { Command } from '../context.ts';
import { findEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([Text]), options: z.strictObject({ parents: Flag }) };

/** Folders made by hand get the mode that `mkdir` gives under the usual umask. */
const defaultMode = 0o755;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0], { write: true });
  const { vault } = home;
  const names = splitPath(path);
  const firstMissing = names.findIndex((_, index) => findEntry(vault.tree, pathOf(names, index + 1)) === undefined);
  if (firstMissing < 0) {
    if (options.parents && findEntry(vault.tree, path)?.kind === 'directory') return undefined;
    throw new CofferError('EXISTS', `${args[0]} is there already`);
  }
  if (firstMissing < names.length - 1 && !options.parents) {
    throw new CofferError('NOT_FOUND', `there is no ${pathOf(names, names.length - 1)} in the vault`, {
      hint: 'Make the folders above it too with --parents.',
    });
  }
  const above = findEntry(vault.tree, pathOf(names, firstMissing));
  if (above !== undefined && above.kind !== 'directory')
    throw new CofferError('INVALID', `${pathOf(names, firstMissing)} is not a folder`);
  await using batch = vault.batch();
  let parent = above?.entry ?? rootEntry;
  const mtime = timestampFromMs(context.clock.nowMs());
  for (const name of names.slice(firstMissing)) {
    parent = await batch.makeDirectory({ parent, name, mtime, mode: defaultMode }, context.signal);
  }
  await home.commit(batch);
  context.output.result({ json: () => ({ path: pathOf(names, names.length) }), text: () => '' });
  return undefined;
};

function pathOf(names: readonly string[], count: number): string {
  return `/${names.slice(0, count).join('/')}`;
}
