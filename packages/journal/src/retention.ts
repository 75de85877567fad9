import { dayMs } from '@coffer/core';
import { z } from 'zod';
import { wholeNumber } from './field-schemas.ts';

/** How long the server keeps versions (JOURNAL §Retention). */
export const RetentionPolicy = z.strictObject({
  /** The newest N versions of a file, whatever their age; the current one counts. */
  versions: wholeNumber(1, 10_000),
  /** Days that a version is kept after it stopped being current. */
  days: wholeNumber(0, 36_500),
  /** Days that a removed entry keeps all its versions. */
  trashDays: wholeNumber(1, 36_500),
});
export type RetentionPolicy = Readonly<z.infer<typeof RetentionPolicy>>;

/** Holds for every vault whose owner set nothing else. */
export const defaultRetention: RetentionPolicy = { versions: 5, days: 90, trashDays: 30 };

/** Shortening a policy, and a purge, wait this long, so that a stolen device cannot destroy history unseen. */
export const destructionDelayMs = 7 * dayMs;

/** Nothing goes within this time of ceasing to be current, whatever policy and purges say. */
const minimumKeepMs = dayMs;

/** A policy and when the server received the commit that set it. */
export interface PolicyChange {
  readonly policy: RetentionPolicy;
  readonly receivedAtMs: number;
}

/**
 * The policy in force: each figure is the largest that held within the last seven days. So a longer one counts at
 * once, a shorter one after the delay, and another change before that cancels it. `changes` in order of time; before
 * the first `start` holds.
 */
export function effectivePolicy(
  changes: readonly PolicyChange[],
  nowMs: number,
  start: RetentionPolicy = defaultRetention,
): RetentionPolicy {
  const since = nowMs - destructionDelayMs;
  const before = changes.findLast(({ receivedAtMs }) => receivedAtMs <= since)?.policy ?? start;
  const recent = changes.filter(({ receivedAtMs }) => receivedAtMs > since && receivedAtMs <= nowMs);
  return recent.reduce((longest, { policy }) => longer(longest, policy), before);
}

function longer(a: RetentionPolicy, b: RetentionPolicy): RetentionPolicy {
  return {
    versions: Math.max(a.versions, b.versions),
    days: Math.max(a.days, b.days),
    trashDays: Math.max(a.trashDays, b.trashDays),
  };
}

/** What retention asks about one version. Times are the server's receive times, milliseconds. */
export interface VersionAge {
  /** How many versions of the same file are newer. */
  readonly newer: number;
  /** When it stopped being current; undefined for the current version of a live entry. */
  readonly endedAtMs: number | undefined;
  /** The drop of its entry; undefined for a live entry. */
  readonly drop: { readonly reason: 'removed' | 'moved'; readonly atMs: number } | undefined;
}

/** Until when a version is kept, milliseconds; Infinity while nothing changes. Holds and purges are not asked here. */
export function keptUntilMs({ newer, endedAtMs, drop }: VersionAge, policy: RetentionPolicy): number {
  if (drop !== undefined) {
    // The reason is the word of whoever dropped it: no word may destroy more than removing does.
    const days = drop.reason === 'removed' ? policy.trashDays : Math.max(policy.days, policy.trashDays);
    return drop.atMs + Math.max(days * dayMs, minimumKeepMs);
  }
  if (endedAtMs === undefined || newer < policy.versions) return Number.POSITIVE_INFINITY;
  return endedAtMs + Math.max(policy.days * dayMs, minimumKeepMs);
}

/** A purge that names a version. */
export interface PurgeAge {
  readonly endedAtMs: number | undefined;
  /** When the server received the commit with the purge. */
  readonly receivedAtMs: number;
}

/** When a purge takes a version away, milliseconds; Infinity when it is current at the time the purge is due. */
export function purgedAtMs({ endedAtMs, receivedAtMs }: PurgeAge): number {
  const dueMs = receivedAtMs + destructionDelayMs;
  if (endedAtMs === undefined || endedAtMs > dueMs) return Number.POSITIVE_INFINITY;
  return Math.max(dueMs, endedAtMs + minimumKeepMs);
}
