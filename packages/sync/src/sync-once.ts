import { Job } from './job.ts';
import type { RunOptions } from './job.ts';
import type { SyncReport } from './report.ts';
import type { JobOptions } from './sync-options.ts';

/** A sync job and how to run it (CLI §Sync). */
export type SyncOptions = JobOptions & Omit<RunOptions, 'scope'>;

/**
 * Runs a job once: `push` makes the vault path the folder, `pull` the folder the vault path, `two-way` brings both together (SYNC). What fails for one path is in
 * the report, the rest is done. Interrupted anywhere, nothing is lost: what was acknowledged is remembered, and the next run
 * goes on from there.
 *
 * @throws INVALID for paths that are no directories; NOT_FOUND when there is nothing to sync from; LOCKED
 * while the same job, or one on an overlapping folder, runs; TOO_MANY_DELETIONS; what the vault throws (UNREACHABLE, QUOTA,
 * NOT_ALLOWED, ROLLBACK, …); NO_SPACE, IO; the signal's reason
 */
export async function syncOnce({
  dryRun,
  force,
  passRootGuard,
  onProgress,
  onPlan,
  signal,
  ...job
}: SyncOptions): Promise<SyncReport> {
  await using open = await Job.open(job);
  return await open.run({
    ...(dryRun !== undefined && { dryRun }),
    ...(force !== undefined && { force }),
    ...(passRootGuard !== undefined && { passRootGuard }),
    ...(onProgress && { onProgress }),
    ...(onPlan && { onPlan }),
    ...(signal && { signal }),
  });
}
