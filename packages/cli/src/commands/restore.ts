import { resolve } from 'node:path';
import { CofferError } from '@coffer/core';
import { findRemoved, restoreEntries, splitPath, undeleteEntry } from '@coffer/client';
import type { EntryName, RestoreReport, TreeReader } from '@coffer/client';
import { z } from 'zod';
import { Count, parseInput, Text } from '../arguments.ts';
import { openHome } from '../compose.ts';
import type { HomeSession } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { layDownAt } from '../lay-down-at.ts';
import { parseOptionalTime } from '../time.ts';
import { displayPath, findEntry, requireEntry } from '../vault-paths.ts';
import { requireVersion } from '../versions.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({ version: Count.optional(), at: Text.optional(), to: Text.optional() }),
};

type Options = z.output<(typeof schemas)['options']>;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  if (options.version !== undefined && options.at !== undefined)
    throw new CofferError('INVALID', 'say one of them: --version N or --at TIME');
  const atMs = parseOptionalTime(options.at, context.clock);
  await using session = await openHome(context);
  const { home, path } = await session.at(args[0], options.to === undefined ? { write: true } : { atMs });
  const { tree } = home.vault;
  const was = atMs === undefined ? lastSeen(tree, { path, options }) : tree.at(atMs);
  if (isNotSharedYet({ session, home, was, path })) throw notSharedYet(args[0]);
  const found = requireEntry(was, path, args[0]);
  const wanted = { home, was, path, names: was.path(found.entry) ?? [], options };
  if (options.to !== undefined) {
    const local = resolve(context.cwd, options.to);
    return await layDownAt(context, { home, tree: was, entries: [found], local, version: options.version });
  }
  if (options.version !== undefined) return await restoreVersion(context, { ...wanted, version: options.version });
  return atMs === undefined ? await undelete(context, wanted) : await restoreAt(context, wanted);
};

/** What an account shares has a history of its own from then on; what was before lies in the home vault. */
function isNotSharedYet({
  session,
  home,
  was,
  path,
}: Pick<Wanted, 'home' | 'was' | 'path'> & { readonly session: HomeSession }): boolean {
  const isOwnShare = home.vault !== session.vault && home.place?.share === undefined;
  return isOwnShare && was.children(was.root().entry).length === 0 && findEntry(was, path) === undefined;
}

function notSharedYet(typed: string): CofferError {
  return new CofferError('INVALID', `${typed} was not shared at that time, and does not come back into the share`, {
    hint: `Lay it down beside, with --to LOCAL, and put from there what you want.`,
  });
}

interface Wanted {
  readonly home: HomeSession;
  /** The tree as it was. */
  readonly was: TreeReader;
  readonly path: string;
  readonly names: readonly EntryName[];
  readonly options: Options;
}

/** The vault as it is, or as it was right before the path was removed. @throws INVALID, NOT_FOUND */
function lastSeen(tree: TreeReader, { path, options }: Pick<Wanted, 'path' | 'options'>): TreeReader {
  if (findEntry(tree, path) === undefined) {
    const removed = findRemoved(tree, path);
    if (removed !== undefined) return removed.before;
    throw new CofferError('NOT_FOUND', `there is no ${path} in the vault, and there was none`, {
      hint: 'See what was removed with `coffer ls --deleted`.',
    });
  }
  if (options.version === undefined) {
    throw new CofferError('INVALID', `${path} is in the vault: say which one, with --version N or --at TIME`, {
      hint: 'See versions with `coffer versions`, folders with `coffer ls --at`.',
    });
  }
  return tree;
}

async function undelete(context: CommandContext, { home, was, path, names }: Wanted): Promise<undefined> {
  const now = home.vault.tree;
  await using batch = home.vault.batch();
  await undeleteEntry({ batch, now, was, names, nowMs: context.clock.nowMs() }, context.signal);
  await home.commit(batch);
  context.output.result({
    json: () => ({ path, undeleted: 1 }),
    text: () => `${displayPath(names)} is back`,
  });
  return undefined;
}

async function restoreAt(context: CommandContext, { home, was, path, names }: Wanted): Promise<undefined> {
  const now = home.vault.tree;
  await using batch = home.vault.batch();
  const report = await restoreEntries({ batch, now, was, names, nowMs: context.clock.nowMs() }, context.signal);
  await home.commit(batch);
  context.output.result({ json: () => ({ path, ...report }), text: () => reportText(report) });
  return undefined;
}

function reportText({ undeleted, changed, moved, copied, unchanged, beside }: RestoreReport): string {
  const counts = {
    undeleted,
    'changed back': changed,
    'moved back': moved,
    copied,
    unchanged,
    'under another name': beside,
  };
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  return shown.length === 0 ? 'nothing to restore' : shown.map(([name, count]) => `${name}: ${count}`).join(', ');
}

/** The version becomes the current one, as a new version; a removed file comes back with it. */
async function restoreVersion(
  context: CommandContext,
  { home, was, path, names, version }: Wanted & { readonly version: number },
): Promise<undefined> {
  const { tree } = home.vault;
  const entry = requireEntry(was, path);
  const old = requireVersion(was, { entry, version });
  if (tree.get(entry.entry)?.seq === old.seq)
    throw new CofferError('CONFLICT', 'this version is the current one already');
  await using batch = home.vault.batch();
  const parent = tree.lookup(names.slice(0, -1));
  if (parent === undefined) {
    throw new CofferError('NOT_FOUND', `the folder of ${path} was removed too`, {
      hint: `Restore it first: coffer restore /${splitPath(path).slice(0, -1).join('/')}`,
    });
  }
  const to = { parent: parent.entry, name: names.at(-1) ?? '', entry: entry.entry };
  await batch.copyFile(old, to, context.signal);
  await home.commit(batch);
  const restored = home.vault.tree.get(entry.entry);
  context.output.result({
    json: () => ({ path, from: version, version: restored?.version ?? null }),
    text: () => `version ${version} of ${path} is the current one again, as version ${restored?.version ?? '?'}`,
  });
  return undefined;
}
