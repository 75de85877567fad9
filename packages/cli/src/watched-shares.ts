import type { Place } from '@coffer/client';
import { CofferError, idKey, isCofferError } from '@coffer/core';
import { watchJob } from '@coffer/sync';
import type { JobOptions } from '@coffer/sync';
import type { HomeSession } from './compose.ts';
import type { CommandContext } from './context.ts';
import { checkSameVault } from './same-vault.ts';
import { sharedJobs } from './shared-jobs.ts';
import type { SharedJob } from './shared-jobs.ts';
import type { WatchControls } from './watch-controls.ts';
import type { WatchOutput } from './watch-output.ts';

export interface WatchedSharesDeps {
  readonly session: HomeSession;
  /** The job below whose folder they are. */
  readonly outer: JobOptions;
  readonly place: Place | undefined;
  /** Passes the guards in the first run of what is shared when the watch begins. */
  readonly force: boolean;
  readonly controls: WatchControls;
  readonly printed: WatchOutput;
}

interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

/** The server is asked again with the next look. */
const passing = ['UNREACHABLE', 'TIMEOUT', 'SHUTTING_DOWN', 'BUSY'] as const;

/** Watches what is shared below the folder of another job, each in its own vault: also what is shared while the watch goes on. */
export class WatchedShares {
  /** Rejects with what ends one of them. */
  readonly failed: Promise<never>;
  readonly #context: CommandContext;
  readonly #deps: WatchedSharesDeps;
  readonly #signal: AbortSignal;
  readonly #fail: (error: unknown) => void;
  readonly #running = new Map<string, Running>();
  readonly #told = new Set<string>();
  #looking: Promise<void> | undefined;
  /** Position of the home vault at the last look. */
  #seenSeq: number | undefined;

  constructor(context: CommandContext, deps: WatchedSharesDeps, signal: AbortSignal) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.failed = promise;
    this.#fail = reject;
    this.#context = context;
    this.#deps = deps;
    this.#signal = signal;
  }

  /** To be called whenever the home vault may have changed. */
  look(): void {
    const { seq } = this.#deps.session.vault.tree;
    if (seq === this.#seenSeq || this.#looking !== undefined || this.#signal.aborted) return;
    this.#looking = this.#look()
      .then(() => void (this.#seenSeq = seq))
      .catch((error: unknown) => {
        if (!isCofferError(error, ...passing)) this.#fail(error);
      })
      .finally(() => {
        this.#looking = undefined;
        // Something came while it was looked at what there is.
        if (this.#seenSeq === seq) this.look();
      });
  }

  /** Resolves when none runs any more, after the signal. */
  async ended(): Promise<void> {
    await this.#looking;
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
  }

  async #look(): Promise<void> {
    const { session, outer, place } = this.#deps;
    const { jobs, leftOut } = await sharedJobs(session, { outer, place }, this.#signal);
    for (const path of leftOut) this.#tellLeftOut(path);
    const wanted = new Set(jobs.map(keyOf));
    for (const [key, { stop }] of this.#running)
      if (!wanted.has(key)) stop.abort(new CofferError('CANCELLED', 'it is not shared from here any more'));
    for (const one of jobs) if (!this.#running.has(keyOf(one))) this.#start(one);
  }

  /** Once, and what was there when the watch began was told before. */
  #tellLeftOut(path: string): void {
    if (this.#seenSeq !== undefined && !this.#told.has(path))
      this.#context.output.warn(`${path} is shared and left out here: get or sync it by itself`);
    this.#told.add(path);
  }

  #start(shared: SharedJob): void {
    const { session, controls, printed } = this.#deps;
    const force = this.#deps.force && this.#seenSeq === undefined;
    checkSameVault(this.#context, { session, ...shared, isOwnShare: true }, { force, dryRun: false });
    const stop = new AbortController();
    const control = controls.add();
    const watched = watchJob({
      ...shared.job,
      force,
      control,
      onEvent: (event) => printed.take(event, shared.below),
      signal: AbortSignal.any([this.#signal, stop.signal]),
    });
    const ended = watched
      .catch((error: unknown) => {
        if (!stop.signal.aborted) this.#fail(error);
      })
      .finally(() => {
        controls.remove(control);
        this.#running.delete(keyOf(shared));
      });
    this.#running.set(keyOf(shared), { stop, ended });
  }
}

/** The same path may come to lead to another share. */
function keyOf({ job, below }: SharedJob): string {
  return `${idKey(job.vault.id)} ${below}`;
}
