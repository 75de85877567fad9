/** Time comes in through this, so that tests and simulations own it. */
export interface Clock {
  /** Milliseconds since 1970, UTC, whole. May jump. */
  nowMs(): number;
  /** Milliseconds that never go back; only differences mean anything. */
  monotonicMs(): number;
  /**
   * As `monotonicMs`, but counts on while the machine sleeps, to ten milliseconds; absent where nobody can tell: then
   * such time has not passed.
   */
  uptimeMs?(): number;
  /** Resolves after `ms`. @throws the signal's reason when it is aborted first */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Seconds and nanoseconds: exact where a double is not (JOURNAL §Commit `at`). */
export type Timestamp = readonly [seconds: number, nanoseconds: number];

export function timestampFromMs(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

export function timestampToMs([seconds, nanoseconds]: Timestamp): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

export function timestampFromNs(ns: bigint): Timestamp {
  const billion = 1_000_000_000n;
  const nanoseconds = ((ns % billion) + billion) % billion;
  return [Number((ns - nanoseconds) / billion), Number(nanoseconds)];
}

export function timestampToNs([seconds, nanoseconds]: Timestamp): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}
