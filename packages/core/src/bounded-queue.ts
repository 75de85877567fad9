/**
 * A first-in first-out hand-over between one or more producers and one consumer that holds at most `limit` items:
 * `push` waits while it is full. After `close` the consumer gets what is left, then the end; after `fail` the error.
 */
export class BoundedQueue<Item> implements AsyncIterable<Item> {
  readonly #limit: number;
  readonly #items: Item[] = [];
  #ended = false;
  #error: { readonly reason: unknown } | undefined;
  #wakeConsumer: (() => void) | undefined;
  #wakeProducers: (() => void)[] = [];

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError('a queue holds at least one item');
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  /** @throws TypeError after `close`; the reason after `fail`; the signal's reason when aborted */
  async push(item: Item, signal?: AbortSignal): Promise<void> {
    for (;;) {
      if (signal?.aborted) {
        // It may have been woken for room that it will not use.
        this.#wakeProducers.shift()?.();
        throw signal.reason;
      }
      if (this.#error) throw this.#error.reason;
      if (this.#ended) throw new TypeError('push after close');
      if (this.#items.length < this.#limit) break;
      await this.#spaceOrAbort(signal);
    }
    this.#items.push(item);
    this.#wakeConsumer?.();
  }

  close(): void {
    this.#ended = true;
    this.#wakeAll();
  }

  /** Ends the queue with an error; what was not taken yet is dropped. The first reason stays. */
  fail(reason: unknown): void {
    this.#error ??= { reason };
    this.#items.length = 0;
    this.#wakeAll();
  }

  /** The next item, or `undefined` at the end. */
  async take(): Promise<Item | undefined> {
    for (;;) {
      if (this.#error) throw this.#error.reason;
      if (this.#items.length > 0) {
        const item = this.#items.shift();
        this.#wakeProducers.shift()?.();
        return item;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
      this.#wakeConsumer = undefined;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for (;;) {
      const item = await this.take();
      if (item === undefined) return;
      yield item;
    }
  }

  #spaceOrAbort(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#wakeProducers = this.#wakeProducers.filter((other) => other !== wake);
        resolve();
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#wakeProducers.push(wake);
    });
  }

  #wakeAll(): void {
    this.#wakeConsumer?.();
    const producers = this.#wakeProducers;
    this.#wakeProducers = [];
    for (const wake of producers) wake();
  }
}
