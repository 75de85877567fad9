import { isEndOfShare } from '@coffer/client';
import { backoffMs, hourMs, isCofferError, minuteMs, secondMs, systemClock, systemRandom } from '@coffer/core';
import type { Clock, CofferError, ErrorCode, Random } from '@coffer/core';
import { Job } from '../job.ts';
import { makeRoot } from '../local-root.ts';
import type { SyncReport } from '../report.ts';
import type { JobOptions } from '../sync-options.ts';
import { FolderHints } from './folder-hints.ts';
import { NewFailures } from './new-failures.ts';
import { PassScope } from './pass-scope.ts';
import { followVault, isTransient } from './remote-link.ts';
import { defaultSettleTimes } from './touched-paths.ts';
import type { SettleTimes, Taken } from './touched-paths.ts';
import { Waker } from './waker.ts';
import { WallClock } from './wall-clock.ts';
import { WatchControl } from './watch-control.ts';
import type { WatchEvent, WatchState } from './watch-events.ts';

export interface WatchOptions extends JobOptions {
  readonly onEvent: (event: WatchEvent) => void;
  /** Told after each look that succeeded, also of one that found nothing. */
  readonly onLooked?: () => void;
  readonly control?: WatchControl;
  /** Pass the guards against removals in the first run, which looks at everything; never later. */
  readonly force?: boolean;
  readonly settle?: SettleTimes;
  /** Everything is looked through so often, whatever events said. Default 1 h. */
  readonly rescanMs?: number;
  /** And so often where the system cannot watch the folder. Default 1 min. */
  readonly pollMs?: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** At most so long until it is looked whether the folder is still there and the machine did not sleep. */
const tickMs = 10 * secondMs;

/** How soon and how seldom something that somebody must mend is tried again: each try may be a run that the server notes. */
const stuck = { firstMs: minuteMs, maxMs: 15 * minuteMs } as const;

/** What somebody may mend while the job waits; everything else that is not {@link isTransient} ends it. */
const mendable: readonly ErrorCode[] = [
  'EXISTS',
  'INVALID',
  'IO',
  'NOT_ALLOWED',
  'NOT_FOUND',
  'NO_SPACE',
  'QUOTA',
  'TOO_MANY_DELETIONS',
];

/**
 * Keeps a job in step until the signal ends it: events of the folder and of the server are hints, each pass looks for itself
 * at what they touched, and every hour at everything (SYNC §Watching). What was acknowledged when it ends is remembered.
 * @throws the signal's reason when it is stopped; as `syncOnce` does for the first run, but that it waits for a server that
 * is away; later what no waiting mends: NOT_LOGGED_IN, UNTRUSTED_SERVER, ROLLBACK, INTEGRITY, …, and NOT_ALLOWED when a share,
 * or the right to write in it, was taken away
 */
export async function watchJob(options: WatchOptions): Promise<never> {
  for (let again = options; ; again = { ...options, force: false }) await watchUntilRestored(again);
}

/** A server that went back begins another job: what was remembered speaks of a tree that is gone, and nothing is removed for it. */
async function watchUntilRestored(options: WatchOptions): Promise<void> {
  await using job = await Job.open(options);
  using watch = new JobWatch(job, options);
  try {
    await watch.run();
  } catch (error) {
    options.signal.throwIfAborted();
    const { vault } = options;
    if (!isCofferError(error, 'CONFLICT') || vault.lineage === job.lineage) throw error;
    vault.acceptRestored();
    watch.endTrouble();
  }
}

class JobWatch implements Disposable {
  readonly #job: Job;
  readonly #options: WatchOptions & { readonly clock: Clock; readonly random: Random; readonly control: WatchControl };
  readonly #waker: Waker;
  readonly #hints: FolderHints;
  readonly #scope: PassScope;
  readonly #wallClock: WallClock;
  readonly #failures = new NewFailures();
  readonly #ended = new AbortController();
  readonly #listening: Disposable;
  #isOnline = false;
  #hasNews = true;
  #isFirst = true;
  /** Monotonic moment of the next look at everything. */
  #wholeAtMs = Number.NEGATIVE_INFINITY;
  /** Nothing is tried before it. */
  #stuckUntilMs = Number.NEGATIVE_INFINITY;
  #trouble: 'offline' | 'stuck' | undefined;
  #isPolling = false;
  /** How often in a row somebody had to mend something. */
  #stuck = 0;
  #sleepsUntilMs = 0;
  #seenSeq = 0;
  #state: WatchState | undefined;
  #pass: AbortController | undefined;

  constructor(job: Job, options: WatchOptions) {
    const { clock = systemClock, random = systemRandom, control = new WatchControl() } = options;
    this.#job = job;
    this.#options = { ...options, clock, random, control };
    this.#waker = new Waker(clock);
    this.#wallClock = new WallClock(clock);
    this.#hints = new FolderHints(
      {
        root: job.root,
        exclude: options.exclude ?? [],
        nowMs: () => clock.monotonicMs(),
        ...(options.settle && { times: options.settle }),
      },
      { onHint: () => this.#hinted(), onGivenUp: (error) => this.#poll(error) },
    );
    this.#scope = new PassScope({ vault: options.vault, path: options.path, young: this.#hints.touched });
    this.#listening = control.listen(() => this.#asked());
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    this.#listening[Symbol.dispose]();
    this.#hints[Symbol.dispose]();
  }

  async run(): Promise<never> {
    const stop = AbortSignal.any([this.#options.signal, this.#ended.signal]);
    this.#follow(stop).catch((error: unknown) => this.#ended.abort(error));
    return this.#work(stop);
  }

  async #follow(stop: AbortSignal): Promise<never> {
    const { vault, clock, random } = this.#options;
    const onNews = (): void => {
      this.#isOnline = true;
      this.#hasNews = true;
      this.#waker.wake();
    };
    const onOffline = (error: CofferError): void => {
      this.#isOnline = false;
      this.#troubled('offline', error);
      this.#waker.wake();
    };
    return followVault({ vault, clock, random, onNews, onOffline }, stop);
  }

  async #work(stop: AbortSignal): Promise<never> {
    for (;;) {
      stop.throwIfAborted();
      if (!this.#isReady()) await this.#sleep(stop);
      else await this.#runPass(stop);
    }
  }

  /** Something is to be done, and may be done now. */
  #isReady(): boolean {
    const { control, clock } = this.#options;
    if (this.#wallClock.hasJumped() || this.#hints.touched.isOverfull) this.#lookAtAll();
    if (control.takeRescan()) this.#startOver();
    const nowMs = clock.monotonicMs();
    if (control.isPaused || !this.#isOnline || nowMs < this.#heldUntilMs()) return false;
    // One that was swapped is not what is watched.
    if (!this.#isFirst && this.#hints.isOtherRoot()) this.#lookAtAll();
    return nowMs >= this.#wholeAtMs || this.#hasNews || this.#isDue(nowMs);
  }

  #heldUntilMs(): number {
    return Math.max(this.#stuckUntilMs, this.#hints.rulesRestAtMs ?? Number.NEGATIVE_INFINITY);
  }

  #isDue(nowMs: number): boolean {
    const { dueMs } = this.#hints.touched;
    return dueMs !== undefined && dueMs <= nowMs;
  }

  async #sleep(stop: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#say(this.#idleState());
    const nowMs = clock.monotonicMs();
    const wakeMs = Math.min(nowMs + tickMs, this.#wholeAtMs, this.#hints.touched.dueMs ?? Number.POSITIVE_INFINITY);
    const heldUntilMs = this.#heldUntilMs();
    const isHeldBack = !this.#isOnline || this.#options.control.isPaused || nowMs < heldUntilMs;
    const ms = isHeldBack ? Math.min(tickMs, Math.max(0, heldUntilMs - nowMs) || tickMs) : wakeMs - nowMs;
    this.#sleepsUntilMs = nowMs + ms;
    await this.#waker.sleep(Math.max(1, ms), stop);
  }

  #idleState(): WatchState {
    if (this.#options.control.isPaused) return 'paused';
    if (this.#trouble !== undefined) return this.#trouble;
    if (!this.#isOnline) return 'scanning';
    return this.#hints.touched.isEmpty ? 'up to date' : 'settling';
  }

  async #runPass(stop: AbortSignal): Promise<void> {
    const isWhole = this.#options.clock.monotonicMs() >= this.#wholeAtMs;
    const pass = new AbortController();
    this.#pass = pass;
    try {
      if (isWhole) await this.#beginWhole(stop);
      const taken = isWhole ? undefined : this.#hints.touched.take();
      this.#hasNews = false;
      await this.#attempt(taken, AbortSignal.any([stop, pass.signal]));
    } catch (error) {
      stop.throwIfAborted();
      this.#hasNews = true;
      if (pass.signal.aborted) return;
      if (!this.#canWait(error)) throw error;
    } finally {
      this.#pass = undefined;
    }
  }

  /** Watching begins before the look, so that nothing changes unseen in between. */
  async #beginWhole(stop: AbortSignal): Promise<void> {
    this.#say('scanning');
    if (this.#isFirst && this.#options.mode !== 'push' && this.#job.mayMakeRoot()) makeRoot(this.#job.root);
    if (this.#hints.isOtherRoot()) {
      this.#endPolling();
      await this.#hints.watch(stop);
    }
    this.#hints.readRules();
    this.#hints.touched.takeAll();
  }

  async #attempt(taken: Taken | undefined, signal: AbortSignal): Promise<void> {
    const isWhole = taken === undefined;
    try {
      const report = await this.#job.run({
        scope: {
          isWhole,
          ruleLines: this.#hints.ruleLines,
          forPlan: () => this.#scope.at(taken, this.#seenSeq),
        },
        onProgress: (progress) => {
          if (progress.phase === 'transferring') this.#say('transferring', progress);
        },
        force: this.#isFirst && this.#options.force === true,
        signal,
      });
      this.#succeeded(report, isWhole);
    } catch (error) {
      if (taken !== undefined) this.#hints.touched.giveBack(taken);
      throw error;
    }
  }

  #succeeded(report: SyncReport, isWhole: boolean): void {
    const { clock, rescanMs = hourMs, pollMs = minuteMs, onEvent } = this.#options;
    this.#scope.succeeded();
    this.#seenSeq = this.#scope.plannedSeq;
    if (isWhole) this.#wholeAtMs = clock.monotonicMs() + (this.#isPolling ? pollMs : rescanMs);
    this.endTrouble();
    this.#stuck = 0;
    const fresh = this.#failures.filter(report, isWhole);
    if (this.#isFirst || hasNews(fresh)) onEvent({ kind: 'run', report: fresh });
    this.#isFirst = false;
    this.#options.onLooked?.();
  }

  /** Says that what was said of last is over. */
  endTrouble(): void {
    if (this.#trouble !== undefined) this.#options.onEvent({ kind: 'over', state: this.#trouble });
    this.#trouble = undefined;
  }

  /** False when waiting does not mend it. */
  #canWait(error: unknown): boolean {
    const { clock, random } = this.#options;
    if (isTransient(error)) {
      // The link finds out by itself when the server is back; what is merely busy is asked again soon.
      this.#troubled('offline', error);
      this.#stuckUntilMs = clock.monotonicMs() + secondMs;
      return true;
    }
    if (this.#isFirst || isEndOfShare(error) || !isCofferError(error, ...mendable)) return false;
    this.#troubled('stuck', error);
    this.#lookAtAll();
    this.#stuckUntilMs = clock.monotonicMs() + backoffMs(this.#stuck, stuck, random);
    this.#stuck += 1;
    return true;
  }

  #troubled(state: 'offline' | 'stuck', error: CofferError): void {
    if (this.#trouble === state) return;
    this.#trouble = state;
    this.#options.onEvent({ kind: 'trouble', state, error });
  }

  #poll(error: CofferError): void {
    const { clock, pollMs = minuteMs, onEvent } = this.#options;
    if (!this.#isPolling) onEvent({ kind: 'trouble', state: 'polling', error });
    this.#isPolling = true;
    this.#wholeAtMs = Math.min(this.#wholeAtMs, clock.monotonicMs() + pollMs);
    this.#waker.wake();
  }

  #endPolling(): void {
    if (this.#isPolling) this.#options.onEvent({ kind: 'over', state: 'polling' });
    this.#isPolling = false;
  }

  /** Also what the system would not watch before is tried again. */
  #startOver(): void {
    this.#hints.forgetRoot();
    this.#lookAtAll();
  }

  #lookAtAll(): void {
    this.#wholeAtMs = Number.NEGATIVE_INFINITY;
    this.#stuckUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Who sleeps until something is due sooner than this can be sleeps on. */
  #hinted(): void {
    const { clock, settle = defaultSettleTimes } = this.#options;
    if (this.#sleepsUntilMs > clock.monotonicMs() + settle.settleMs || this.#hints.touched.isOverfull)
      this.#waker.wake();
  }

  #asked(): void {
    if (this.#options.control.isPaused) this.#pass?.abort();
    this.#waker.wake();
  }

  #say(state: WatchState, progress?: Extract<WatchEvent, { kind: 'state' }>['progress']): void {
    if (state === this.#state && progress === undefined) return;
    this.#state = state;
    this.#options.onEvent({ kind: 'state', state, ...(progress && { progress }) });
  }
}

/** It did something, or something failed. Equal files are not counted, and times that were set are nobody's news. */
function hasNews(report: SyncReport): boolean {
  const { sent, modified, removed, received, receivedModified, receivedRemoved, moved, conflicts, healed } = report;
  const done = sent + modified + removed + received + receivedModified + receivedRemoved + moved + conflicts + healed;
  return done > 0 || report.errors.length > 0;
}
