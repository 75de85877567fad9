import { idKey } from '@coffer/core';
import type { Hash, IdKey } from '@coffer/core';
import type { CommitHeader } from './commit-header.ts';
import type { Directory } from './directory.ts';
import { isTeamId } from './field-schemas.ts';
import { identityExtends } from './identity.ts';
import { isHeard } from './judge-author.ts';
import type { IdentityRef } from './ref.ts';
import { invalid } from './refuse.ts';
import type { VaultState } from './vault-state.ts';

/**
 * The heads that a commit brings; they count before its author is judged, so that a new device may introduce itself.
 * @throws INVALID when a head does not extend the recorded one, or belongs to nobody who is heard here
 */
export function applyIdentityRefs(state: VaultState, { refs }: CommitHeader, directory: Directory): VaultState {
  const heads = refs.filter((ref) => ref.kind === 'identity');
  if (heads.length === 0) return state;
  const identities = new Map(state.identities);
  const named = new Set<IdKey>();
  for (const { subject, head } of teamsFirst(heads)) {
    const key = idKey(subject);
    if (named.has(key)) throw invalid('a chain is named twice in one commit');
    named.add(key);
    // Read through the map that is being filled: a team's new head may be what lets its new member speak.
    if (!isHeard({ ...state, identities }, key, directory))
      throw invalid('a chain is named of somebody who is no member');
    const recorded = identities.get(key);
    if (!extendsRecorded({ subject, head }, recorded, directory))
      throw invalid('a chain does not extend what was seen of it');
    identities.set(key, head);
  }
  return { ...state, identities };
}

/** True when `head` is known and follows, or is, the head seen so far. */
export function extendsRecorded(
  { subject, head }: Pick<IdentityRef, 'subject' | 'head'>,
  recorded: Hash | undefined,
  directory: Directory,
): boolean {
  if (isTeamId(subject)) {
    const team = directory.team?.(subject, head);
    return team !== undefined && (recorded === undefined || team.extends(recorded));
  }
  const identity = directory.identity(subject, head);
  return identity !== undefined && (recorded === undefined || identityExtends(identity, recorded));
}

function teamsFirst(heads: readonly IdentityRef[]): IdentityRef[] {
  return heads.toSorted((a, b) => b.subject.byteLength - a.subject.byteLength);
}
