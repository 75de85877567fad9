import { formatPath } from '@coffer/client';
import { isCofferError } from '@coffer/core';
import { JobList, runOutcome } from '@coffer/sync';
import type { ListedJob, SyncReport } from '@coffer/sync';
import { jobsFolder } from './compose.ts';
import type { HomeSession } from './compose.ts';
import type { CommandContext } from './context.ts';

/** What `sync` was told, as far as a later run must know it. */
export type JobToList = Pick<ListedJob, 'local' | 'mode' | 'delete' | 'exclude' | 'maxFileSizeBytes' | 'maxDelete'>;

/**
 * Puts a job into the list of this device, where the terminal UI shows and runs it; one that is there keeps its settings. Only those of
 * the home vault: others are listed nowhere. A list that cannot be written is told, and keeps nothing from being synced.
 */
export function listJob(
  context: CommandContext,
  { session, home, job }: { readonly session: HomeSession; readonly home: HomeSession; readonly job: JobToList },
  ended?: { readonly report?: SyncReport | undefined; readonly error?: unknown },
): void {
  const names = home.place?.names ?? [];
  if (home.vault !== session.vault || names.some((name) => typeof name !== 'string')) return;
  const last = ended && runOutcome(ended, context.clock.nowMs());
  try {
    new JobList(jobsFolder(context)).remember({ ...job, path: formatPath(names) }, last);
  } catch (error) {
    if (!isCofferError(error)) throw error;
    context.output.warn(error.message);
  }
}
