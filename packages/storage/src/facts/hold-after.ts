import { destructionDelayMs } from '@coffer/journal';
import type { HoldChange, HoldFacts } from './retention-facts.ts';

/** The hold after a change; undefined when the change is not later than the last one and counts for nothing. */
export function holdAfter(before: HoldFacts | undefined, { by, on, atMs, reason }: HoldChange): HoldFacts | undefined {
  if (before && atMs <= before.atMs) return undefined;
  const held = before !== undefined && (before.on || atMs < endOf(before));
  if (on) return { by, on, atMs, reason, sinceMs: held ? before.sinceMs : atMs };
  // To end a hold again does not change when it ends.
  if (!before || !before.on) return undefined;
  return { by, on, atMs, reason, sinceMs: before.sinceMs };
}

/** When a hold that was taken off ends: as late as a purge, so that a stolen device cannot do both at once. */
export function endOf(hold: HoldFacts): number {
  return hold.on ? Number.POSITIVE_INFINITY : hold.atMs + destructionDelayMs;
}

/** True while the hold keeps everything. */
export function holdsAt(hold: HoldFacts, nowMs: number): boolean {
  return nowMs < endOf(hold);
}
