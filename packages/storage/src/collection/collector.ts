import { CofferError, isCofferError } from '@coffer/core';
import { readSegments } from '../chunks/read-segments.ts';
import type { Collected, GarbageSegment, Swept } from '../facts/collection-facts.ts';
import type { Compacted, CompactorDeps } from './compactor.ts';
import { Compactor } from './compactor.ts';

/** Between two steps of the sweep, each of less than 20 ms, the index belongs to the uploads. */
const pauseMs = 10;

export interface CollectOptions {
  readonly signal?: AbortSignal;
}

/** What a collection did. */
export interface Collection extends Readonly<Compacted> {
  /** Chunks that nothing referred to. */
  readonly chunks: number;
  readonly bytes: number;
}

export interface CollectorDeps extends CompactorDeps {
  /** The time that graces are compared with; undefined while the clock is not to be trusted: then nothing is garbage. */
  readonly graceClockMs: () => number | undefined;
  /** The disk or the index failed for good. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Removes what nothing refers to any more, in small steps beside uploads and reads, and gives its room back. Needs no
 * key and keeps nobody out. May be stopped at any point, also by a crash: the next run goes on.
 */
export class Collector implements AsyncDisposable {
  readonly #deps: CollectorDeps;
  readonly #compactor: Compactor;
  readonly #closed = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
    this.#compactor = new Compactor(deps);
  }

  /** Runs do not overlap: a second one waits for the first. @throws NO_SPACE, IO; the signal's reason; SHUTTING_DOWN */
  collect({ signal }: CollectOptions = {}): Promise<Collection> {
    const stop = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal;
    const run = this.#running.then(() => this.#collect(stop));
    this.#running = run.catch(ignore);
    return run;
  }

  /** Ends what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new CofferError('SHUTTING_DOWN', 'the storage is closing'));
    await this.#running;
  }

  async #collect(signal: AbortSignal): Promise<Collection> {
    try {
      const swept = await this.#sweepAll(signal);
      return { ...swept, ...(await this.#compactor.compact(signal)) };
    } catch (error) {
      if (isCofferError(error, 'IO', 'DAMAGED')) this.#deps.onFatal(error);
      throw error;
    }
  }

  async #sweepAll(signal: AbortSignal): Promise<Collected> {
    const all = { chunks: 0, bytes: 0 };
    // What only a collected segment referred to is garbage in turn.
    for (let segments = true; segments;) {
      segments = false;
      for await (const swept of this.#steps(signal)) {
        const more = await this.#collectSegments(swept.segments);
        segments ||= more.chunks > 0;
        all.chunks += swept.chunks + more.chunks;
        all.bytes += swept.bytes + more.bytes;
      }
    }
    return all;
  }

  async *#steps(signal: AbortSignal): AsyncGenerator<Swept, void, undefined> {
    for (let after: number | undefined = 0; after !== undefined;) {
      signal.throwIfAborted();
      const nowMs = this.#deps.graceClockMs();
      if (nowMs === undefined) return;
      const from = after;
      const swept: Swept = await this.#withRoom(() => this.#deps.facts.sweepChunks({ after: from, nowMs }));
      yield swept;
      after = swept.next;
      if (after !== undefined) await this.#deps.clock.sleep(pauseMs, signal);
    }
  }

  async #collectSegments(segments: readonly GarbageSegment[]): Promise<Collected> {
    const done = { chunks: 0, bytes: 0 };
    for (const segment of segments) {
      const { chunks, bytes } = await this.#collectSegment(segment);
      done.chunks += chunks;
      done.bytes += bytes;
    }
    return done;
  }

  /** One that cannot be read stays: what it refers to is not known. */
  async #collectSegment({ owner, ...place }: GarbageSegment): Promise<Collected> {
    const { facts, packs, graceClockMs } = this.#deps;
    const nowMs = graceClockMs();
    if (nowMs === undefined) return { chunks: 0, bytes: 0 };
    const payloads = await readSegments(packs, { owner, places: [place] }).catch(noneWhenUnreadable);
    return this.#withRoom(() => facts.collectSegments({ owner, payloads, nowMs }));
  }

  /** Removing needs a little room in the index before it makes any: what was set aside for removals is for this too. */
  async #withRoom<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!isCofferError(error, 'NO_SPACE')) throw error;
      await this.#deps.space.makeRoom();
      await this.#deps.facts.checkpoint();
      return work();
    }
  }
}

function noneWhenUnreadable(error: unknown): Uint8Array[] {
  if (!isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'IO')) throw error;
  return [];
}

function ignore(): void {}
