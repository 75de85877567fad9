import type { BufferAccount } from './buffer-budget.ts';

interface Taker {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The DATA of one stream, from the connection to whoever reads it. Holds what was not taken and the payload last given
 * in the connection's account, so that reading from the peer pauses. Ends only after a valid END; a reader that stops
 * early (`break`) makes `onAbandoned` run. Read by one reader, once.
 */
export class InboundData implements AsyncIterableIterator<Uint8Array> {
  readonly #account: BufferAccount;
  readonly #onAbandoned: () => void;
  readonly #waiting: Uint8Array[] = [];
  readonly #takers: Taker[] = [];
  #first = 0;
  #givenBytes = 0;
  #outcome: { readonly error?: unknown } | undefined;
  #discarding = false;
  #ended = Promise.withResolvers<void>();

  constructor(account: BufferAccount, onAbandoned: () => void = () => undefined) {
    this.#account = account;
    this.#onAbandoned = onAbandoned;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(payload: Uint8Array): void {
    if (this.#discarding || this.#outcome !== undefined) return;
    const kept = ownMemory(payload);
    this.#account.hold(costOf(kept));
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(kept);
    else taker.resolve(this.#give(kept));
  }

  /** What waits is still given, then the end. */
  end(): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = {};
    this.#ended.resolve();
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
  }

  /** What waits is still given, then the error: the peer failed after what it had sent. */
  failAtEnd(error: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { error };
    this.#ended.resolve();
    const first = this.#takers.shift();
    if (first === undefined) return;
    this.#outcome = {};
    first.reject(error);
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
  }

  /** What waits is dropped. The first outcome stays, unless the end was not read yet. */
  fail(error: unknown): void {
    if (this.#outcome !== undefined && this.#first >= this.#waiting.length) return;
    this.#outcome = { error };
    this.#ended.resolve();
    this.#drop();
    for (const taker of this.#takers.splice(0)) taker.reject(error);
  }

  /** Nobody wants what is left; resolves when the peer has sent it all, or the stream failed. */
  async discard(): Promise<void> {
    this.#discarding = true;
    this.#drop();
    await this.#ended.promise;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#releaseGiven();
    const payload = this.#waiting[this.#first];
    if (payload !== undefined) {
      this.#shift();
      return Promise.resolve(this.#give(payload));
    }
    if (this.#outcome !== undefined) return this.#finish(this.#outcome);
    if (this.#discarding) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#releaseGiven();
    const abandoned = this.#outcome === undefined && !this.#discarding;
    this.#discarding = true;
    this.#drop();
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
    if (abandoned) this.#onAbandoned();
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(outcome: { readonly error?: unknown }): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!('error' in outcome)) return Promise.resolve({ done: true, value: undefined });
    // Told once; whoever asks again gets the end.
    this.#outcome = {};
    return Promise.reject(outcome.error);
  }

  #give(payload: Uint8Array): IteratorResult<Uint8Array, undefined> {
    this.#givenBytes = costOf(payload);
    return { done: false, value: payload };
  }

  /** Amortised: an array that is shifted for each of thousands of small frames would be moved each time. */
  #shift(): void {
    this.#waiting[this.#first] = empty;
    this.#first += 1;
    if (this.#first < 64 && this.#first < this.#waiting.length) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }

  #releaseGiven(): void {
    this.#account.release(this.#givenBytes);
    this.#givenBytes = 0;
  }

  #drop(): void {
    let bytes = 0;
    for (let index = this.#first; index < this.#waiting.length; index += 1) {
      bytes += costOf(this.#waiting[index] as Uint8Array);
    }
    this.#waiting.length = 0;
    this.#first = 0;
    this.#account.release(bytes);
  }
}

/** What an array costs beside its bytes; without it a flood of tiny frames would count for next to nothing. */
const arrayBytes = 256;

function costOf(payload: Uint8Array): number {
  return payload.byteLength + arrayBytes;
}

/** A small view keeps all that was read with it in memory, which nobody counts: it is copied. */
function ownMemory(payload: Uint8Array): Uint8Array {
  return payload.byteLength * 4 < payload.buffer.byteLength ? new Uint8Array(payload) : payload;
}

const empty = new Uint8Array(0);
