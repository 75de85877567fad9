import type { Clock } from '@coffer/core';

/** Sleep that others can end. One sleeper at a time. */
export class Waker {
  readonly #clock: Clock;
  #isWoken = false;
  #sleeping: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The sleep that is going on ends, or the next one does at once. */
  wake(): void {
    this.#isWoken = true;
    this.#sleeping?.abort();
  }

  /** @throws the signal's reason */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#isWoken) await this.#sleep(ms, signal);
    signal?.throwIfAborted();
    this.#isWoken = false;
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const sleeping = new AbortController();
    this.#sleeping = sleeping;
    try {
      await this.#clock.sleep(ms, signal === undefined ? sleeping.signal : AbortSignal.any([signal, sleeping.signal]));
    } catch {
      // Woken, or stopped, which the caller looks at.
    } finally {
      this.#sleeping = undefined;
    }
  }
}
