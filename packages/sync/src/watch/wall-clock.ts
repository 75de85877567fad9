import { secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';

/** From here the two clocks did not drift apart by themselves. */
const jumpMs = 5 * secondMs;

/** Finds out that the machine slept, or that its time was set: the wall clock went another way than the monotonic one. */
export class WallClock {
  readonly #clock: Clock;
  #offsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = offsetOf(clock);
  }

  /** True when that happened since the last look. */
  hasJumped(): boolean {
    const offsetMs = offsetOf(this.#clock);
    const hasJumped = Math.abs(offsetMs - this.#offsetMs) >= jumpMs;
    this.#offsetMs = offsetMs;
    return hasJumped;
  }
}

function offsetOf(clock: Clock): number {
  return clock.nowMs() - clock.monotonicMs();
}
