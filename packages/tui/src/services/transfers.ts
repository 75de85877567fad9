import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { SyncProgress, SyncReport } from '@coffer/sync';
import { Store } from '../app/store.ts';

export type TransferState = 'waiting' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

/** Something that goes up or down, or went. */
export interface Transfer {
  readonly id: number;
  readonly direction: 'up' | 'down';
  /** What: `3 files`, `report.pdf`. */
  readonly what: string;
  /** Where to. */
  readonly where: string;
  readonly state: TransferState;
  readonly progress: SyncProgress | undefined;
  readonly report: SyncReport | undefined;
  /** Why it failed. */
  readonly error: string | undefined;
  readonly endedMs: number | undefined;
}

export interface TransferWork {
  readonly direction: Transfer['direction'];
  readonly what: string;
  readonly where: string;
  /** Safe to run again from the start: what is there already is not sent again. */
  readonly run: (options: {
    readonly signal: AbortSignal;
    readonly onProgress: (progress: SyncProgress) => void;
  }) => Promise<SyncReport>;
}

/** Two at once: a small one does not wait for a large one, and no more share the line. */
const parallel = 2;
/** As many ended ones as anybody reads. */
const keptEnded = 200;

/**
 * The queue of transfers of this program. Pausing ends the run and keeps its place; going on runs it again, and only what is
 * missing travels. All end with the program.
 */
export class Transfers implements AsyncDisposable {
  readonly store = new Store<readonly Transfer[]>([]);
  readonly #clock: Clock;
  readonly #work = new Map<number, TransferWork>();
  readonly #running = new Map<number, { readonly controller: AbortController; readonly ended: Promise<void> }>();
  #lastId = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waiting and running ones. */
  get active(): readonly Transfer[] {
    return this.store.state.filter(({ state }) => state === 'waiting' || state === 'running');
  }

  add(work: TransferWork): void {
    const id = (this.#lastId += 1);
    this.#work.set(id, work);
    const { direction, what, where } = work;
    const nothing = { progress: undefined, report: undefined, error: undefined, endedMs: undefined };
    this.store.update((all) => [...all, { id, direction, what, where, state: 'waiting', ...nothing }]);
    this.#start();
  }

  /** Stops a waiting or running one where it is. */
  pause(id: number): void {
    this.#stop(id, 'paused');
  }

  /** Goes on with a paused, failed or cancelled one. */
  resume(id: number): void {
    if (!this.#isIn(id, 'paused', 'failed', 'cancelled')) return;
    this.#change(id, { state: 'waiting', error: undefined, report: undefined, endedMs: undefined });
    this.#start();
  }

  cancel(id: number): void {
    this.#stop(id, 'cancelled');
  }

  /** Takes what is done or cancelled out of the list. */
  clear(): void {
    this.store.update((all) => all.filter(({ state }) => state !== 'done' && state !== 'cancelled'));
    this.#forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const running = [...this.#running.values()];
    for (const { controller } of running) controller.abort(stopped());
    await Promise.all(running.map(({ ended }) => ended));
  }

  #start(): void {
    for (const { id, state } of this.store.state) {
      if (this.#isClosed || this.#running.size >= parallel) return;
      if (state === 'waiting' && !this.#running.has(id)) this.#begin(id);
    }
  }

  #begin(id: number): void {
    const controller = new AbortController();
    this.#change(id, { state: 'running', progress: undefined });
    this.#running.set(id, { controller, ended: this.#run(id, controller.signal) });
  }

  async #run(id: number, signal: AbortSignal): Promise<void> {
    const onProgress = (progress: SyncProgress): void => {
      if (!signal.aborted) this.#change(id, { progress });
    };
    try {
      const report = await this.#work.get(id)?.run({ signal, onProgress });
      const failed = report?.errors[0];
      const state = failed === undefined || report?.failed === 0 ? 'done' : 'failed';
      this.#change(id, { state, report, error: state === 'failed' ? failed?.message : undefined });
    } catch (error) {
      if (!signal.aborted) this.#change(id, { state: 'failed', error: reasonOf(error) });
    }
    this.#running.delete(id);
    if (this.#isIn(id, 'done', 'failed', 'cancelled')) this.#change(id, { endedMs: this.#clock.nowMs() });
    this.#forget();
    this.#start();
  }

  #stop(id: number, state: 'paused' | 'cancelled'): void {
    if (!this.#isIn(id, 'waiting', 'running', 'paused')) return;
    this.#change(id, { state });
    this.#running.get(id)?.controller.abort(stopped());
  }

  #isIn(id: number, ...states: readonly TransferState[]): boolean {
    return this.store.state.some((one) => one.id === id && states.includes(one.state));
  }

  #change(id: number, change: Partial<Transfer>): void {
    this.store.update((all) => all.map((one) => (one.id === id ? { ...one, ...change } : one)));
  }

  #forget(): void {
    const ended = this.store.state.filter(({ state }) => state === 'done' || state === 'cancelled');
    const over = new Set(ended.slice(0, Math.max(0, ended.length - keptEnded)).map(({ id }) => id));
    if (over.size > 0) this.store.update((all) => all.filter(({ id }) => !over.has(id)));
    const left = new Set(this.store.state.map(({ id }) => id));
    for (const id of this.#work.keys()) if (!left.has(id)) this.#work.delete(id);
  }
}

function stopped(): CofferError {
  return new CofferError('CANCELLED', 'stopped');
}

function reasonOf(error: unknown): string {
  if (error instanceof CofferError && error.hint !== undefined) return `${error.message}. ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
