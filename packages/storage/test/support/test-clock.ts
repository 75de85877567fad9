import type { Clock } from '@coffer/core';
import { systemClock } from '@coffer/core';
import { once } from 'node:events';

/** Beyond this nobody is kept waiting: what sleeps as long does so until it is told to stop. */
const patienceMs = 1000;

/** The clocks stand still until a test moves them. */
export class TestClock implements Clock {
  #wallMs = 1_700_000_000_000;
  #monotonicMs = 5000;
  #uptimeMs = 90_000;

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  uptimeMs(): number {
    return this.#uptimeMs;
  }

  /** Time passes. */
  advance(ms: number): void {
    this.suspend(ms);
    this.#monotonicMs += ms;
  }

  /** Time passes while the machine sleeps. */
  suspend(ms: number): void {
    this.#wallMs += ms;
    this.#uptimeMs += ms;
  }

  /** Somebody sets the machine's clock. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** The machine starts again: its monotonic clock begins anew. */
  restart(): void {
    this.#monotonicMs = 0;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= patienceMs || !signal) return systemClock.sleep(ms, signal);
    signal.throwIfAborted();
    await once(signal, 'abort');
    signal.throwIfAborted();
  }
}
