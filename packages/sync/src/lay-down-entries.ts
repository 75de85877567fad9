import { createFileTimes } from '@coffer/client';
import type { Entry, EntryName, TreeReader, Vault } from '@coffer/client';
import { systemClock, systemRandom } from '@coffer/core';
import type { Clock, Random } from '@coffer/core';
import { noBase } from './base.ts';
import { fromEntryName } from './byte-name.ts';
import { conflictName } from './conflict-name.ts';
import { DiskTree } from './disk-tree.ts';
import { createIgnoreRules } from './ignore-rules.ts';
import { ItemTree } from './item-tree.ts';
import { Folder } from './lay-down/folder.ts';
import { OpenFolders } from './lay-down/open-folders.ts';
import { settleOnDisk } from './lay-down/settle-on-disk.ts';
import { makeRoot, realRoot } from './local-root.ts';
import type { Place } from './place.ts';
import type { PlanRules } from './merge-children.ts';
import { createPlanner } from './planner.ts';
import { ProgressMeter } from './progress.ts';
import type { SyncProgress } from './progress.ts';
import { executePull } from './pull-executor.ts';
import { ReportDraft } from './report.ts';
import type { SyncReport } from './report.ts';
import { runPlanner } from './run-planner.ts';
import { TemporaryNames } from './temporary-name.ts';

export interface LayDownOptions {
  readonly vault: Vault;
  /** Where the entries are read: `vault.tree`, or a view of it at another moment. */
  readonly tree: TreeReader;
  /** What to lay down, each with its name in the folder: entries or old versions, directories with all below. */
  readonly items: readonly { readonly entry: Entry; readonly name: EntryName }[];
  /** Made when it does not exist. */
  readonly folder: string | Uint8Array;
  /** What to do with a different file that is there: keep it under a conflict name, or replace it. Default `keep-both`. */
  readonly existing?: 'keep-both' | 'replace';
  /** Name of this device, for conflict names. */
  readonly deviceName: string;
  readonly onProgress?: (progress: SyncProgress) => void;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal;
}

/**
 * Lays entries of the vault down in a folder, as `get` and `restore --to` do: complete files only, never outside the folder,
 * with links, modes and times, on stable storage when it resolves. Equal files (same size and mtime) are not fetched. Nothing is
 * removed, nothing is remembered. What fails for one path is in the report.
 * @throws INVALID when two items have one name; what the vault throws; NO_SPACE, NOT_ALLOWED, IO for the folder itself; the
 * signal's reason
 */
export async function layDown(options: LayDownOptions): Promise<SyncReport> {
  const { vault, signal, clock = systemClock, random = systemRandom } = options;
  const startMs = clock.monotonicMs();
  const root = realRoot(options.folder);
  makeRoot(root);
  const report = new ReportDraft();
  const progress = new ProgressMeter(clock, options.onProgress);
  const items = options.items.map(({ entry, name }) => ({ entry, name: fromEntryName(name) }));
  const remote = new ItemTree(options.tree, items);
  const rules = rulesOf(options, clock);
  const request = { mode: 'pull', root: { below: top() }, local: new DiskTree(root), base: noBase, remote } as const;
  const plan = await runPlanner(createPlanner({ ...request, remoteIsBase: false, rules }), clock, signal);
  report.take(plan);
  progress.enter('transferring', plan.counts);
  using folders = new OpenFolders(Folder.root(root));
  const { overwrite, conflictName: named } = rules;
  const settle = (): Promise<boolean> => settleOnDisk(root);
  await executePull(
    {
      vault,
      remote,
      folders,
      base: noBase,
      clock,
      temporaryNames: new TemporaryNames(random),
      times: createFileTimes(),
      report,
      progress,
      settle,
      conflictName: named,
      overwrite,
    },
    plan,
    signal,
  );
  return report.finish(clock.monotonicMs() - startMs);
}

function top(): Place {
  return { parent: undefined, name: '', local: { parent: undefined, name: '' }, entry: ItemTree.top, base: undefined };
}

function rulesOf({ existing, deviceName }: LayDownOptions, clock: Clock): PlanRules {
  return {
    delete: false,
    ignore: createIgnoreRules([]),
    maxFileSizeBytes: undefined,
    overwrite: existing === 'replace',
    conflictName: (name, taken) => conflictName(name, { device: deviceName, atMs: clock.nowMs(), taken }),
  };
}
