import { CofferError } from '@coffer/core';

/**
 * Work of which one run goes on at a time: whoever asks meanwhile is given the result of that run. It goes on when those
 * who asked leave, and ends when this is disposed.
 */
export class SharedRun<Result> implements AsyncDisposable {
  readonly #work: (signal: AbortSignal) => Promise<Result>;
  readonly #closed = new AbortController();
  #running: Promise<Result> | undefined;

  constructor(work: (signal: AbortSignal) => Promise<Result>) {
    this.#work = work;
  }

  /** @throws what the work throws; the signal's reason; SHUTTING_DOWN */
  async join(signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    const running = (this.#running ??= this.#begin());
    return signal ? unlessAborted(running, signal) : running;
  }

  /** Tells what is under way to end, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new CofferError('SHUTTING_DOWN', 'the storage is closing'));
    await this.#running?.catch(ignore);
  }

  #begin(): Promise<Result> {
    const running = this.#work(this.#closed.signal).finally(() => (this.#running = undefined));
    // Everyone who asked may have left.
    running.catch(ignore);
    return running;
  }
}

async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function ignore(): void {}
