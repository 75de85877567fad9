import type { RetentionPolicy } from '@coffer/journal';
import { effectivePolicy, keptUntilMs, purgedAtMs } from '@coffer/journal';
import type { ExpiryCause, PolicyHistory, VersionFacts } from '../facts/retention-facts.ts';

/**
 * The policy in force. A change that seems to come from the future counts as made now: the machine's clock may have gone
 * back, and what lengthens must not wait.
 */
export function policyAt(
  { changes }: Pick<PolicyHistory, 'changes'>,
  { nowMs, defaultPolicy }: { readonly nowMs: number; readonly defaultPolicy: RetentionPolicy },
): RetentionPolicy {
  const known = changes.map(({ policy, receivedAtMs }) => ({ policy, receivedAtMs: Math.min(receivedAtMs, nowMs) }));
  return effectivePolicy(known, nowMs, defaultPolicy);
}

/** Until when the rules keep a version, ms; Infinity while nothing changes. */
export function ruledUntilMs({ newer, endedAtMs, drop }: VersionFacts, policy: RetentionPolicy): number {
  return keptUntilMs({ newer, endedAtMs: endedAtMs ?? undefined, drop: drop ?? undefined }, policy);
}

/** When a purge takes a version away, ms; Infinity when none does. */
export function purgeAtMs({ endedAtMs, purgeReceivedAtMs: receivedAtMs }: VersionFacts): number {
  if (receivedAtMs === null) return Number.POSITIVE_INFINITY;
  return purgedAtMs({ endedAtMs: endedAtMs ?? undefined, receivedAtMs });
}

/** Why a version has to go now; undefined when it stays. Holds are not asked here. */
export function causeAt(
  version: VersionFacts,
  { policy, nowMs }: { readonly policy: RetentionPolicy; readonly nowMs: number },
): ExpiryCause | undefined {
  if (version.endedAtMs === null) return undefined;
  if (ruledUntilMs(version, policy) <= nowMs) return 'rules';
  return purgeAtMs(version) <= nowMs ? 'purge' : undefined;
}
