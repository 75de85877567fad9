import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CofferError } from '@coffer/core';
import type { Entry, EntryName, TreeReader } from '@coffer/client';
import { layDown } from '@coffer/sync';
import type { HomeSession } from './compose.ts';
import type { CommandContext } from './context.ts';
import { exitCodeOfReport } from './exit-codes.ts';
import { Progress } from './progress.ts';
import { syncText } from './transfer-text.ts';
import { displayPath, isRoot } from './vault-paths.ts';
import { requireVersion } from './versions.ts';

export interface LayDownAt {
  readonly home: HomeSession;
  /** The vault's tree, or a view of it at another moment. */
  readonly tree: TreeReader;
  readonly entries: readonly Entry[];
  /** Absolute path on this machine, named as `cp -r` names things. */
  readonly local: string;
  /** Number of the version to take instead of the current one. */
  readonly version: number | undefined;
}

/** Lays entries down, tells how it went, and gives the exit code. A different file that is there is kept beside the new one. */
export async function layDownAt(context: CommandContext, wanted: LayDownAt): Promise<number | undefined> {
  const { home, tree } = wanted;
  tellLeftOut(context, wanted);
  const placed = await placeItems(wanted);
  using progress = new Progress(context.output, context.clock);
  const report = await layDown({
    vault: home.vault,
    tree,
    ...placed,
    deviceName: home.account.info.deviceName,
    onProgress: (state) => progress.update(state),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  context.output.result({ json: () => report, text: () => syncText(report) });
  return exitCodeOfReport(report);
}

/** A mount is a vault of its own: it comes down by itself. */
function tellLeftOut({ output }: CommandContext, { home, tree, entries }: LayDownAt): void {
  for (const { entry } of entries) {
    const above = tree.path(entry) ?? [];
    for (const { path, entry: below } of tree.walk(entry)) {
      if (below.kind !== 'mount') continue;
      const shown = displayPath(home.shown([...above, ...path]));
      output.warn(`${shown} is shared and left out: get it by itself`);
    }
  }
}

interface Placed {
  readonly items: readonly { readonly entry: Entry; readonly name: EntryName }[];
  readonly folder: string;
}

async function placeItems({ tree, entries, local, version }: LayDownAt): Promise<Placed> {
  const chosen = entries.map((entry) => (version === undefined ? entry : requireVersion(tree, { entry, version })));
  const [only] = chosen;
  if (only !== undefined && chosen.length === 1 && isRoot(only)) return wholeVault(tree, { root: only, local });
  if (await isDirectory(local)) return { items: chosen.map((entry) => ({ entry, name: entry.name })), folder: local };
  if (only === undefined || chosen.length > 1) {
    throw new CofferError('NOT_FOUND', `there is no folder ${local}`, { hint: `Make it with: mkdir ${local}` });
  }
  return { items: [{ entry: only, name: basename(local) }], folder: dirname(local) };
}

/** The root has no name of its own: what is in it goes into the folder. */
function wholeVault(tree: TreeReader, { root, local }: { readonly root: Entry; readonly local: string }): Placed {
  return { items: tree.children(root.entry).map((entry) => ({ entry, name: entry.name })), folder: local };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
