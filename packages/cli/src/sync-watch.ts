import type { Place } from '@coffer/client';
import { CofferError } from '@coffer/core';
import { watchJob } from '@coffer/sync';
import type { JobOptions } from '@coffer/sync';
import type { HomeSession } from './compose.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { WatchControls } from './watch-controls.ts';
import { WatchOutput } from './watch-output.ts';
import { WatchedShares } from './watched-shares.ts';

export interface WatchRequest {
  readonly session: HomeSession;
  readonly job: JobOptions;
  /** Where the job is. */
  readonly place: Place | undefined;
}

/**
 * Keeps a job in step, and those of what is shared below its folder, until somebody stops it, which is no failure: Ctrl-C and
 * SIGTERM end it with 0. SIGHUP looks through everything, SIGUSR1 pauses, SIGUSR2 resumes. What ends one of them ends all.
 * @throws as `watchJob` does, but for the stop that was asked for
 */
export async function watch(
  context: CommandContext,
  { session, job, place }: WatchRequest,
  { force }: { readonly force: boolean },
): Promise<number> {
  const { output, clock, signal } = context;
  using controls = new WatchControls(context.onSignal);
  using printed = new WatchOutput(output, { clock, mode: job.mode });
  const ended = new AbortController();
  const stop = AbortSignal.any([signal, ended.signal]);
  const shares = new WatchedShares(context, { session, outer: job, place, force, controls, printed }, stop);
  const outer = watchJob({
    ...job,
    force,
    control: controls.add(),
    onEvent: (event) => printed.take(event),
    onLooked: () => shares.look(),
    signal: stop,
  });
  try {
    return await Promise.race([outer, shares.failed]);
  } catch (error) {
    if (!signal.aborted) throw error;
    return exitCodes.done;
  } finally {
    ended.abort(new CofferError('CANCELLED', 'stopped'));
    await Promise.allSettled([outer, shares.ended()]);
  }
}
