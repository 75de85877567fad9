import type { Clock } from '@coffer/core';

/** A deadline that moves: `dueMs` is asked for again and again, `act` runs when it has passed. */
export interface Deadline {
  /** Monotonic ms; `undefined` while there is none. */
  readonly dueMs: () => number | undefined;
  /** Must move or end the deadline. */
  readonly act: () => void;
}

/**
 * Looks at all deadlines of a connection with one timer: at the earliest that is known, and every `watchMs` for those
 * that came up meanwhile. Ends with the signal.
 */
export async function watchDeadlines(
  deadlines: readonly Deadline[],
  { clock, watchMs, signal }: { readonly clock: Clock; readonly watchMs: number; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    let nextMs = nowMs + watchMs;
    for (const { dueMs, act } of deadlines) {
      const due = dueMs();
      if (due === undefined) continue;
      if (due <= nowMs) act();
      else nextMs = Math.min(nextMs, due);
    }
    // A due time a fraction ahead would otherwise be met by a loop without rest.
    const slept = clock.sleep(Math.max(1, Math.ceil(nextMs - nowMs)), signal);
    await slept.catch(() => undefined);
  }
}
