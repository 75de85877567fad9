import { CofferError } from '@coffer/core';
import type { Entry } from '@coffer/client';
import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command } from '../context.ts';
import { isRoot, requireEntry } from '../vault-paths.ts';

const schemas = { args: z.tuple([z.array(Text).min(1).max(10_000)]), options: z.strictObject({ recursive: Flag }) };

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using session = await openHome(context);
  const wanted: Wanted[] = [];
  for (const path of args[0]) wanted.push(await removable(session, { path, recursive: options.recursive }));
  for (const [vault, all] of Map.groupBy(wanted, ({ home }) => home.vault)) {
    await using batch = vault.batch();
    await batch.remove(
      all.map(({ entry }) => entry.entry),
      context.signal,
    );
    await session.commit(batch);
  }
  context.output.result({ json: () => ({ removed: wanted.length }), text: () => '' });
  return undefined;
};

interface Wanted {
  readonly home: HomeSession;
  readonly entry: Entry;
}

/** @throws NOT_FOUND, INVALID for what is shared, the root, and a folder without --recursive */
async function removable(
  session: HomeSession,
  { path: typed, recursive }: { readonly path: string; readonly recursive: boolean },
): Promise<Wanted> {
  const { home, path } = await session.at(typed, { write: true, follow: false });
  const { tree } = home.vault;
  const entry = requireEntry(tree, path, typed);
  if (isRoot(entry)) throw new CofferError('INVALID', 'the root of the vault cannot be removed');
  const isShared = home.place?.share !== undefined && isRoot({ entry: entry.parent });
  if (isShared) throw shared(typed, `coffer unshare ${typed}`);
  for (const below of tree.walk(entry.entry))
    if (below.entry.kind === 'mount') throw shared(typed, 'coffer unshare PATH NAME');
  if (entry.kind === 'directory' && !recursive)
    throw new CofferError('INVALID', `${typed} is a folder`, { hint: 'Remove it with all below by --recursive.' });
  return { home, entry };
}

/** Removing it would leave the others with a share that its owner no longer sees. */
function shared(path: string, command: string): CofferError {
  return new CofferError('INVALID', `${path} is shared, or holds what is shared`, {
    hint: `Unshare it first: ${command}`,
  });
}
