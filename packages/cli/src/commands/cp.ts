import { CofferError } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { CommitBatch, Entry, Placement, TreeReader } from '@coffer/client';
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
  const copied = await copy(
    { tree: vault.tree, batch, signal: context.signal },
    { source, to: { parent: target.parent.entry, name: target.name } },
  );
  await home.commit(batch);
  const path = displayPath([...above, target.name]);
  context.output.result({ json: () => ({ path, copied }), text: () => '' });
  return undefined;
};

interface Copying {
  readonly tree: TreeReader;
  readonly batch: CommitBatch;
  readonly signal: AbortSignal;
}

/** How many entries were made. The list below a folder is read before it is written, so that a copy into itself ends. */
async function copy(
  copying: Copying,
  { source, to }: { readonly source: Entry; readonly to: Placement },
): Promise<number> {
  const { tree } = copying;
  const made = new Map<string, EntryId>();
  const key = (names: readonly unknown[]): string =>
    JSON.stringify(names.map((name) => (name instanceof Uint8Array ? [...name] : name)));
  const walked = [...tree.walk(source.entry)];
  for (const { path, entry } of walked) {
    const parent = path.length === 0 ? to.parent : made.get(key(path.slice(0, -1)));
    if (parent === undefined) throw new TypeError('a walk shows parents before children');
    const place = path.length === 0 ? to : { parent, name: entry.name };
    made.set(key(path), await copyOne(copying, { entry, place }));
  }
  return walked.length;
}

function copyOne(
  { batch, signal }: Copying,
  { entry, place }: { readonly entry: Entry; readonly place: Placement },
): Promise<EntryId> {
  const { mtime, mode, target } = entry;
  if (entry.kind === 'directory') return batch.makeDirectory({ ...place, mtime, mode }, signal);
  if (entry.kind === 'symlink' && target !== undefined)
    return batch.putSymlink({ ...place, mtime, mode, target }, signal);
  return batch.copyFile(entry, place, signal);
}
