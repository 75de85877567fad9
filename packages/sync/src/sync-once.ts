import type { JobRun, Vault, VaultPath } from '@coffer/client';
import { systemClock, systemRandom } from '@coffer/core';
import type { Clock, DeviceId, Random } from '@coffer/core';
import type { OnConflict } from './conflict.ts';
import { DiskTree } from './disk-tree.ts';
import type { ByteName } from './byte-name.ts';
import { healLost } from './heal-lost.ts';
import { JobConflicts } from './job-conflicts.ts';
import { JobState, jobName } from './job-state.ts';
import type { Leftover } from './leftovers.ts';
import { realRoot } from './local-root.ts';
import type { MaxDelete } from './max-delete.ts';
import { countsOf } from './plan-line.ts';
import type { PlanLine } from './plan-line.ts';
import { ProgressMeter } from './progress.ts';
import type { SyncProgress } from './progress.ts';
import { ReportDraft } from './report.ts';
import type { SyncReport } from './report.ts';
import { runJob } from './run-job.ts';
import { TemporaryNames } from './temporary-name.ts';
import { findVaultRoot } from './vault-root.ts';

/** `push`: the vault becomes the folder. `pull`: the folder becomes the vault. `two-way`: both get what the other has new. */
export type SyncMode = 'push' | 'pull' | 'two-way';

/** A sync job and how to run it (CLI §Sync). */
export interface SyncOptions {
  readonly vault: Vault;
  /** The folder; bytes where its path is not UTF-8. */
  readonly local: string | Uint8Array;
  readonly path: VaultPath;
  readonly mode: SyncMode;
  /** Folder of the profile for the states of jobs; made when needed. */
  readonly stateDirectory: string;
  /** Name of this device, for conflict names. */
  readonly deviceName: string;
  /** Id of this device: its own versions are no conflict when the job's state is lost. */
  readonly device?: DeviceId;
  /** Also remove what the side that leads no longer has. Default false; two-way always carries removals. */
  readonly delete?: boolean;
  /** Plan only: nothing is changed anywhere. */
  readonly dryRun?: boolean;
  /** Patterns in the syntax of gitignore, after those of `.cofferignore`. */
  readonly exclude?: readonly string[];
  readonly maxFileSizeBytes?: number;
  /** Default 25 % of at least 100 files. */
  readonly maxDelete?: MaxDelete;
  /** Pass the guards against removals. */
  readonly force?: boolean;
  /** Stay on the filesystem of the folder. Default false. */
  readonly oneFilesystem?: boolean;
  readonly onProgress?: (progress: SyncProgress) => void;
  /** With `dryRun`: told each step of the plan, in order. */
  readonly onPlan?: (line: PlanLine) => void;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal;
}

/**
 * Runs a job once: `push` makes the vault path the folder, `pull` the folder the vault path, `two-way` brings both together (SYNC). What fails for one path is in
 * the report, the rest is done. Interrupted anywhere, nothing is lost: what was acknowledged is remembered, and the next run
 * goes on from there.
 *
 * @throws INVALID for paths that are no directories; NOT_FOUND when there is nothing to sync from; LOCKED
 * while the same job runs; TOO_MANY_DELETIONS; what the vault throws (UNREACHABLE, QUOTA, NOT_ALLOWED, ROLLBACK, …); NO_SPACE,
 * IO; the signal's reason
 */
export async function syncOnce(options: SyncOptions): Promise<SyncReport> {
  const { vault, mode, signal, clock = systemClock, random = systemRandom } = options;
  const startMs = clock.monotonicMs();
  const root = realRoot(options.local);
  const report = new ReportDraft();
  const progress = new ProgressMeter(clock, options.onProgress);
  await vault.pull(signal);
  const vaultRoot = findVaultRoot(vault, options.path);
  const key = { root, vault: vault.id, lineage: vault.lineage, path: vaultRoot.key };
  await using state = await JobState.open(options.stateDirectory, key);
  const temporaryNames = new TemporaryNames(random, jobName(key));
  const leftovers: Leftover[] = [];
  const onTemporary = (directory: ByteName, name: ByteName): void => {
    if (temporaryNames.owns(name)) leftovers.push({ directory, name });
  };
  const local = new DiskTree(root, { oneFilesystem: options.oneFilesystem ?? false, onTemporary });
  const announced = options.dryRun === true ? undefined : await vault.beginJob(mode, signal);
  using conflicts = new JobConflicts({ directory: options.stateDirectory, key, clock });
  const onConflict: OnConflict = (conflict) => conflicts.add(conflict);
  const finish = (): SyncReport => report.finish(clock.monotonicMs() - startMs);
  try {
    const opened = { root, local, state, vaultRoot, report, progress, temporaryNames, leftovers, onConflict };
    if (mode !== 'pull' && options.dryRun !== true) await healLost({ vault, vaultRoot, root, report }, signal);
    await runJob({ ...options, clock, ...opened });
    if (report.counts.failed === 0) conflicts.tidy();
  } catch (error) {
    await endQuietly(announced, { status: signal?.aborted === true ? 'interrupted' : 'failed', report: finish() });
    throw error;
  }
  const finished = finish();
  await endQuietly(announced, { status: 'done', report: finished });
  return finished;
}

/** What the run did is done and acknowledged, or has failed already: that its end cannot be announced changes neither. */
async function endQuietly(
  run: JobRun | undefined,
  { status, report }: { readonly status: 'done' | 'failed' | 'interrupted'; readonly report: SyncReport },
): Promise<void> {
  try {
    await run?.end(status, countsOf(report));
  } catch {
    // The server finds out by the connection that ends.
  }
}
