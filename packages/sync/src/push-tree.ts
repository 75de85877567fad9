import type { EntryName, Vault } from '@coffer/client';
import { systemClock } from '@coffer/core';
import type { Clock, DeviceId, EntryId } from '@coffer/core';
import { noBase } from './base.ts';
import { fromEntryName } from './byte-name.ts';
import { conflictName } from './conflict-name.ts';
import { createIgnoreRules } from './ignore-rules.ts';
import { absolutePath } from './local-root.ts';
import type { Place } from './place.ts';
import { createPlanner } from './planner.ts';
import { ProgressMeter } from './progress.ts';
import type { SyncProgress } from './progress.ts';
import { executePush } from './push-executor.ts';
import { createRemoteTree } from './remote-tree.ts';
import { ReportDraft } from './report.ts';
import type { SyncReport } from './report.ts';
import { runPlanner } from './run-planner.ts';
import { SourceTree } from './source-tree.ts';

export interface PushTreeOptions {
  readonly vault: Vault;
  /** What to copy, each with its name in the vault. Symlinks are copied as links, directories with all below. */
  readonly sources: readonly { readonly local: string | Uint8Array; readonly name: EntryName }[];
  /** An existing directory of the vault. */
  readonly into: EntryId;
  /** Name of this device, for conflict names. */
  readonly deviceName: string;
  readonly device?: DeviceId;
  /** Patterns in the syntax of gitignore. */
  readonly exclude?: readonly string[];
  readonly onProgress?: (progress: SyncProgress) => void;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Copies local files and directories into a directory of the vault, as `put` does: what exists gets a new version, nothing is
 * removed, nothing is remembered. What fails for one path is in the report.
 * @throws NOT_FOUND when a source does not exist; INVALID when two have one name; what the vault throws; the signal's reason
 */
export async function pushTree(options: PushTreeOptions): Promise<SyncReport> {
  const { vault, into, deviceName, device, signal, clock = systemClock } = options;
  const startMs = clock.monotonicMs();
  const report = new ReportDraft();
  const progress = new ProgressMeter(clock, options.onProgress);
  const sources = options.sources.map(({ local, name }) => ({ path: absolutePath(local), name: fromEntryName(name) }));
  const local = new SourceTree(sources);
  const remote = createRemoteTree(vault.tree);
  const below: Place = {
    parent: undefined,
    name: '',
    local: { parent: undefined, name: '' },
    entry: into,
    base: undefined,
  };
  const rules = {
    delete: false,
    ignore: createIgnoreRules(options.exclude ?? []),
    maxFileSizeBytes: undefined,
    overwrite: false,
    conflictName: (name: string, taken: (name: string) => boolean) =>
      conflictName(name, { device: deviceName, atMs: clock.nowMs(), taken }),
  };
  const request = { mode: 'push', root: { below }, local, base: noBase, remote, remoteIsBase: false, rules } as const;
  const plan = await runPlanner(createPlanner(request), clock, signal);
  report.take(plan);
  progress.enter('transferring', plan.counts);
  await executePush({ vault, remote, local, base: noBase, clock, report, progress, device }, plan, signal);
  return report.finish(clock.monotonicMs() - startMs);
}
