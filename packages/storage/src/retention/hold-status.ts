import { endOf, holdsAt } from '../facts/hold-after.ts';
import type { HoldFacts } from '../facts/retention-facts.ts';

/** Whether an account's versions are held, whoever holds them. */
export interface HoldStatus {
  /** True: nothing expires and nothing is purged. */
  readonly on: boolean;
  readonly sinceMs: number | null;
  readonly reason: string;
  /** When the hold ends that was taken off; null while it is on. */
  readonly endsAtMs: number | null;
}

const none: HoldStatus = { on: false, sinceMs: null, reason: '', endsAtMs: null };

/** Of several holds the one that ends last speaks. */
export function holdStatus(holds: readonly HoldFacts[], nowMs: number): HoldStatus {
  const active = holds.filter((hold) => holdsAt(hold, nowMs)).toSorted((a, b) => compareEnds(endOf(b), endOf(a)));
  const [last] = active;
  if (!last) return none;
  const sinceMs = Math.min(...active.map((hold) => hold.sinceMs));
  return { on: true, sinceMs, reason: last.reason, endsAtMs: last.on ? null : endOf(last) };
}

/** As a difference, but two that never end are equal. */
function compareEnds(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
