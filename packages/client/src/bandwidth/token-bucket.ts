import type { Clock } from '@coffer/core';

/**
 * Holds a stream of bytes to a rate. Whoever takes reserves the next free moment and waits for it, so several that share a
 * bucket together stay below the rate; after a pause no more than one take goes at once.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #bytesPerSecond: () => number | undefined;
  /** Monotonic moment at which everything taken so far has passed. */
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** The rate is asked for at every take, so that it may change; undefined is no limit. */
  constructor(clock: Clock, bytesPerSecond: () => number | undefined) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` may pass. @throws the signal's reason when it is aborted first */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const rate = this.#bytesPerSecond();
    if (rate === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (bytes * 1000) / rate;
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal);
  }
}
