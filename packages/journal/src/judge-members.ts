import { equalBytes, idKey, zeroHash } from '@coffer/core';
import type { Hash, IdKey } from '@coffer/core';
import type { CommitHeader } from './commit-header.ts';
import type { Directory } from './directory.ts';
import { isTeamId } from './field-schemas.ts';
import { extendsRecorded } from './judge-identities.ts';
import { recipientsOf } from './judge-epoch.ts';
import { commitLimits } from './limits.ts';
import type { MemberRef } from './ref.ts';
import { invalid, limit } from './refuse.ts';
import type { Member, VaultState } from './vault-state.ts';

/**
 * Members after the `member` refs of a commit, whose author is the owner.
 * @throws INVALID
 */
export function applyMemberRefs(state: VaultState, header: CommitHeader, directory: Directory): VaultState {
  const refs = header.refs.filter((ref) => ref.kind === 'member');
  if (refs.length === 0) return state;
  const draft: Draft = { members: new Map(state.members), identities: new Map(state.identities) };
  const named = new Set<IdKey>();
  for (const ref of refs) {
    const key = idKey(ref.member);
    if (named.has(key)) throw invalid('a member is named twice in one commit');
    named.add(key);
    if (ref.role === 'none') remove(draft, ref, header);
    else admit(draft, ref, { state, header, directory });
  }
  if (draft.members.size > commitLimits.members) throw invalid('a vault has too many members');
  if (teamsIn(draft.members) > commitLimits.teams) throw limit('a vault has too many teams');
  return { ...state, ...draft };
}

function teamsIn(members: ReadonlyMap<IdKey, Member>): number {
  return [...members.values()].filter(({ member }) => isTeamId(member)).length;
}

interface Draft {
  readonly members: Map<IdKey, Member>;
  readonly identities: Map<IdKey, Hash>;
}

interface Context {
  readonly state: VaultState;
  readonly header: CommitHeader;
  readonly directory: Directory;
}

/** Whoever leaves has held the key: the same commit must end its epoch. */
function remove({ members }: Draft, ref: MemberRef, header: CommitHeader): void {
  const key = idKey(ref.member);
  const member = members.get(key);
  if (member === undefined || member.role === 'owner') throw invalid('who is removed is no member, or the owner');
  if (!header.refs.some(({ kind }) => kind === 'epoch')) throw invalid('a member is removed without a new epoch');
  const blank = equalBytes(ref.fingerprint, zeroHash) && equalBytes(ref.chainHead, zeroHash) && ref.seals.length === 0;
  if (!blank) throw invalid('a removal carries keys');
  // Its chain head stays recorded: whoever comes back, or stays through a team, must not come with an older one.
  members.delete(key);
}

function admit({ members, identities }: Draft, ref: MemberRef, { state, header, directory }: Context): void {
  const key = idKey(ref.member);
  checkPlaceOf(ref, state);
  if (!extendsRecorded({ subject: ref.member, head: ref.chainHead }, state.identities.get(key), directory)) {
    throw invalid('the chain of a member does not extend what was seen of it');
  }
  identities.set(key, ref.chainHead);
  const recipients = recipientsOf(ref.member, { state: { ...state, identities }, directory });
  const self = recipients.find(({ worker }) => worker === null);
  if (self === undefined || !equalBytes(self.fingerprint, ref.fingerprint)) {
    throw invalid('the key of a member is not the one in its chain');
  }
  const wanted = new Set(recipients.map(({ worker }) => workerKey(worker)));
  const given = new Set(ref.seals.map(({ worker }) => workerKey(worker)));
  const exact = given.size === ref.seals.length && given.size === wanted.size && given.isSubsetOf(wanted);
  if (!exact) throw invalid('the key is not sealed to exactly the devices of a member');
  const before = members.get(key);
  const since = before?.role === ref.role ? before.since : header.seq;
  members.set(key, { member: ref.member, role: ref.role as Member['role'], fingerprint: ref.fingerprint, since });
}

/** Who may be a member of what. */
function checkPlaceOf({ member, role }: MemberRef, { kind, owner }: VaultState): void {
  const isOwner = equalBytes(member, owner);
  if (isOwner !== (role === 'owner')) throw invalid('a vault has one owner');
  if (kind === 'home' && !isOwner) throw invalid('a home vault has no other members');
  if (kind === 'team' && member.byteLength !== 16) throw invalid('a team is made of accounts');
}

function workerKey(worker: Uint8Array | null): string {
  return worker === null ? '' : idKey(worker);
}
