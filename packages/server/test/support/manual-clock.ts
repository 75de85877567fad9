import type { Clock } from '@coffer/core';

/** Time that stands still until a test moves it, forward or back; who sleeps is woken when it is due. */
export class ManualClock implements Clock {
  #ms: number;
  readonly #sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();

  constructor(ms: number) {
    this.#ms = ms;
  }

  nowMs(): number {
    return this.#ms;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { dueMs: this.#ms + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      });
    });
  }

  async moveTo(ms: number): Promise<void> {
    this.#ms = ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs > ms) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
    await settle();
  }
}

/** Lets all that is ready run. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
