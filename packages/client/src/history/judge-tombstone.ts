import { dayMs } from '@coffer/core';
import { destructionDelayMs, effectivePolicy, keptUntilMs } from '@coffer/journal';
import type { PolicyChange, RetentionPolicy } from '@coffer/journal';
import type { PurgeOrder } from '../state/stored-history.ts';
import type { AgedVersion } from './version-ages.ts';

/** What the server says of a version that it no longer has. */
export interface Tombstone {
  readonly seq: number;
  readonly atMs: number;
  readonly cause: 'rules' | 'purge';
}

export interface TombstoneJudgement {
  readonly tombstone: Tombstone;
  /** All versions of the file. */
  readonly versions: readonly AgedVersion[];
  /** Policies that the journal sets, in order of time. */
  readonly policies: readonly PolicyChange[];
  /** Purges of the file, in order of time. */
  readonly purges: readonly PurgeOrder[];
  /** Time as this machine tells it, ms. */
  readonly nowMs: number;
}

/** Clocks of server and client may differ; a tombstone from further ahead would let any policy be over by then. */
const toleranceMs = dayMs;

/** Nothing protects beyond these when the journal sets no policy: what the server's default is only its operator knows. */
const leastPolicy: RetentionPolicy = { versions: 1, days: 0, trashDays: 1 };

/**
 * Whether the server may have dropped the version, by what this journal says: it was not current, had not been for a day,
 * and no policy of the journal kept it; or a purge named it and had waited its seven days; and all that lies in the past.
 * Anything else is a loss or a lie.
 */
export function isLegalTombstone({ tombstone, versions, policies, purges, nowMs }: TombstoneJudgement): boolean {
  const { seq, atMs, cause } = tombstone;
  if (atMs > nowMs + toleranceMs) return false;
  const found = versions.find(({ version }) => version.seq === seq);
  if (found?.age.endedAtMs === undefined || atMs - found.age.endedAtMs < dayMs) return false;
  if (cause === 'purge') return wasOrdered(purges, tombstone);
  const known = policies.filter(({ receivedAtMs }) => receivedAtMs <= atMs);
  if (known.length === 0) return true;
  const newer = versions.filter(({ version }) => version.seq > seq && version.receivedAtMs <= atMs).length;
  const { drop, endedAtMs } = found.age;
  const age = { newer, endedAtMs, drop: drop === undefined || drop.atMs > atMs ? undefined : drop };
  return keptUntilMs(age, effectivePolicy(known, atMs, leastPolicy)) <= atMs;
}

function wasOrdered(purges: readonly PurgeOrder[], { seq, atMs }: Tombstone): boolean {
  const order = purges.findLast(({ receivedAtMs }) => receivedAtMs <= atMs);
  return order !== undefined && order.seqs.includes(seq) && order.receivedAtMs + destructionDelayMs <= atMs;
}
