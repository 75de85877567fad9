import { WatchControl, watchJob } from '@coffer/sync';
import type { JobOptions } from '@coffer/sync';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { WatchOutput } from './watch-output.ts';

/**
 * Keeps a job in step until somebody stops it, which is no failure: Ctrl-C and SIGTERM end it with 0. SIGHUP looks through everything,
 * SIGUSR1 pauses, SIGUSR2 resumes. @throws as `watchJob` does, but for the stop that was asked for
 */
export async function watch(
  context: CommandContext,
  job: JobOptions,
  { force }: { readonly force: boolean },
): Promise<number> {
  const { output, clock, signal, onSignal } = context;
  const control = new WatchControl();
  using printed = new WatchOutput(output, { clock, mode: job.mode });
  using signals = new DisposableStack();
  signals.use(onSignal('SIGHUP', () => control.rescan()));
  signals.use(onSignal('SIGUSR1', () => control.pause()));
  signals.use(onSignal('SIGUSR2', () => control.resume()));
  try {
    return await watchJob({ ...job, force, control, onEvent: (event) => printed.take(event), signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    return exitCodes.done;
  }
}
