import { CofferError, concatBytes, equalBytes, integrityError, isCofferError, MiB } from '@coffer/core';
import type { AccountId, ChunkId } from '@coffer/core';
import type { OpenedChunk, OpenThread, ToOpen } from './open-thread.ts';

export interface WantedChunk {
  readonly uploader: AccountId;
  readonly id: ChunkId;
  readonly item: ToOpen['item'];
  readonly place?: ToOpen['place'];
}

export interface ChunkFetcherDeps {
  /**
   * One `chunk.get`, tried again when the connection breaks; `onFrame` gets each `id ‖ sealed` in the order asked, and the ids that are
   * still wanted are asked for before every try.
   */
  readonly get: (
    uploader: AccountId,
    wanted: () => Uint8Array,
    onFrame: (frame: Uint8Array) => void,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly threads: readonly OpenThread[];
}

/** Chunks of one request: enough to keep a line busy while the next is asked for. */
const requestBytes = 4 * MiB;
const requestChunks = 512;
/** Requests under way. */
const maxRequests = 3;

interface Wanted extends WantedChunk {
  readonly resolve: (opened: OpenedChunk) => void;
  readonly reject: (error: unknown) => void;
}

/** Fetches and opens chunks; what is wanted at about the same time travels together. */
export class ChunkFetcher implements AsyncDisposable {
  readonly #deps: ChunkFetcherDeps;
  readonly #ended = new AbortController();
  readonly #queue: Wanted[] = [];
  #running = 0;
  #isScheduled = false;
  #bytesReceived = 0;

  constructor(deps: ChunkFetcherDeps) {
    this.#deps = deps;
  }

  /** Sealed bytes. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** The plain bytes, checked; the caller releases them. How much is wanted at a time is the caller's to bound. @throws INTEGRITY, NOT_FOUND, EXPIRED, UNREACHABLE */
  fetch(chunk: WantedChunk): Promise<OpenedChunk> {
    return new Promise((resolve, reject) => {
      if (this.#ended.signal.aborted) return reject(this.#ended.signal.reason as Error);
      this.#queue.push({ ...chunk, resolve, reject });
      this.#schedule();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new CofferError('CANCELLED', 'the download was ended');
    this.#ended.abort(reason);
    for (const { reject } of this.#queue.splice(0)) reject(reason);
    await Promise.all(this.#deps.threads.map((thread) => thread[Symbol.asyncDispose]()));
  }

  /** After what is already on its way in this turn: files that are asked for one by one still travel together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  #start(): void {
    while (this.#running < maxRequests && this.#queue.length > 0) {
      this.#running += 1;
      void this.#request(this.#next()).finally(() => {
        this.#running -= 1;
        this.#start();
      });
    }
  }

  #next(): Wanted[] {
    const first = this.#queue[0];
    let bytes = 0;
    let count = 0;
    for (const { uploader, item } of this.#queue) {
      const isOther = first !== undefined && !equalBytes(uploader, first.uploader);
      if (isOther || count >= requestChunks || (count > 0 && bytes + item.storedBytes > requestBytes)) break;
      count += 1;
      bytes += item.storedBytes;
    }
    return this.#queue.splice(0, count);
  }

  async #request(wanted: readonly Wanted[]): Promise<void> {
    const thread = this.#deps.threads.reduce((least, one) => (one.load < least.load ? one : least));
    let done = 0;
    const onFrame = (frame: Uint8Array): void => {
      const chunk = wanted[done];
      if (chunk === undefined || !equalBytes(frame.subarray(0, 32), chunk.id))
        throw integrityError('An answer of the server');
      done += 1;
      this.#bytesReceived += frame.byteLength;
      thread.add(frame, chunk);
    };
    try {
      const uploader = wanted[0]?.uploader ?? new Uint8Array(16);
      const rest = (): Uint8Array => concatBytes(...wanted.slice(done).map(({ id }) => id));
      await this.#deps.get(uploader, rest, onFrame, this.#ended.signal);
      if (done < wanted.length) throw integrityError('An answer of the server');
    } catch (error) {
      this.#failed(wanted.slice(done), error);
    } finally {
      thread.handOver();
    }
  }

  /** The first one that did not come is the one that is missing; the others are asked for again. */
  #failed(rest: readonly Wanted[], error: unknown): void {
    const [missing, ...others] = rest;
    const isAboutOne = isCofferError(error, 'NOT_FOUND', 'EXPIRED', 'DAMAGED', 'INTEGRITY') && missing !== undefined;
    if (!isAboutOne) return rest.forEach(({ reject }) => reject(error));
    missing.reject(error);
    this.#queue.unshift(...others);
    if (others.length > 0) this.#schedule();
  }
}
