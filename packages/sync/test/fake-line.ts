import { CofferError } from '@coffer/core';

/** The way to the server: it may be away, and it tells of every commit. */
export class Line {
  seq = 0;
  #failure: CofferError | undefined;
  #news = Promise.withResolvers<void>();

  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Until it is mended. */
  cut(failure = new CofferError('UNREACHABLE', 'the server cannot be reached')): void {
    this.#failure = failure;
    this.advance();
  }

  mend(): void {
    this.#failure = undefined;
  }

  advance(): void {
    this.seq += 1;
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  async next(signal?: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => stopped.reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await Promise.race([this.#news.promise, stopped.promise]);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
}
