import { equalBytes, idKey } from '@coffer/core';
import type { AccountId, IdKey, VaultId } from '@coffer/core';
import type { CommitHeader } from './commit-header.ts';
import type { Directory, TeamState } from './directory.ts';
import { isTeamId } from './field-schemas.ts';
import { activeDevice } from './identity.ts';
import type { DeviceRecord, IdentityState } from './identity.ts';
import type { Role } from './ref.ts';
import { invalid, notAllowed } from './refuse.ts';
import type { Member, VaultState } from './vault-state.ts';

/** Who made a commit, and what it may do at this position. */
export interface Author {
  readonly account: AccountId;
  readonly device: DeviceRecord;
  readonly role: Role;
}

/** One way in which an account belongs to a vault. */
export interface Membership {
  readonly role: Role;
  /** The record that admits the account's keys: in the vault, or in its team. */
  readonly admitted: Member;
}

/** The role of `account` at this position, directly or through a team; undefined for a stranger. @throws INVALID unknown team */
export function roleOf(state: VaultState, account: AccountId, directory: Directory): Role | undefined {
  const roles = membershipsOf(state, account, directory).map(({ role }) => role);
  return (['owner', 'write', 'read'] as const).find((role) => roles.includes(role));
}

/** Every way in which `account` belongs to the vault at this position. @throws INVALID unknown team */
export function membershipsOf(state: VaultState, account: AccountId, directory: Directory): Membership[] {
  const key = idKey(account);
  const own = state.members.get(key);
  const found: Membership[] = own === undefined ? [] : [{ role: own.role, admitted: own }];
  for (const member of state.members.values()) {
    const admitted = teamAt(state, member, directory)?.state.members.get(key);
    if (admitted !== undefined) found.push({ role: member.role, admitted });
  }
  return found;
}

/**
 * The keys of an account as this journal has seen them. Of several heads (its own, and those in the journals of teams)
 * the latest counts: a device that a team knows to be revoked is revoked here.
 */
export function identityIn(state: VaultState, account: AccountId, directory: Directory): IdentityState | undefined {
  const key = idKey(account);
  let latest: IdentityState | undefined;
  for (const heads of [state, ...teamsOf(state, directory)]) {
    const head = heads.identities.get(key);
    const identity = head === undefined ? undefined : directory.identity(account, head);
    if (head !== undefined && identity === undefined) throw invalid('the chain of a member is not known');
    if (identity !== undefined && identity.seq > (latest?.seq ?? 0)) latest = identity;
  }
  return latest;
}

/** Device, role and keys of a commit's author at this position. @throws NOT_ALLOWED; INVALID when a chain is not known */
export function judgeAuthor(state: VaultState, header: CommitHeader, directory: Directory): Author {
  const { account } = header;
  const writing = membershipsOf(state, account, directory).filter(({ role }) => role !== 'read');
  if (writing.length === 0) throw notAllowed('the author may not write to this vault');
  const identity = identityIn(state, account, directory);
  if (identity === undefined) throw invalid('the chain of the author is not known');
  // Being signed by the old key is not enough: the owner must have admitted the new one. The owner admits itself.
  const { fingerprint } = identity;
  const best = writing.find(({ role, admitted }) => role === 'owner' || equalBytes(fingerprint, admitted.fingerprint));
  if (best === undefined) throw notAllowed("the author's identity has changed and was not admitted again");
  return { account, role: best.role, device: writingDevice(identity, header, state.vault) };
}

function writingDevice(identity: IdentityState, { device }: CommitHeader, vault: VaultId): DeviceRecord {
  const record = activeDevice(identity, device);
  if (record === undefined) throw notAllowed('the device of the author is not certified, or revoked');
  if (record.scope === 'worker' && !record.vaults.some((id) => equalBytes(id, vault))) {
    throw notAllowed('the device of the author does not serve this vault');
  }
  return record;
}

/** The team that `member` is, at the head this journal has seen; undefined for an account. @throws INVALID */
export function teamAt(
  state: VaultState,
  { member }: Pick<Member, 'member'>,
  directory: Directory,
): TeamState | undefined {
  if (!isTeamId(member)) return undefined;
  const head = state.identities.get(idKey(member));
  const team = head === undefined ? undefined : directory.team?.(member, head);
  if (team === undefined) throw invalid('the journal of a team is not known');
  return team;
}

/** True for members, and for members of its teams: whose chains this journal follows. */
export function isHeard(state: VaultState, subject: IdKey, directory: Directory): boolean {
  return state.members.has(subject) || teamsOf(state, directory).some((team) => team.members.has(subject));
}

function teamsOf(state: VaultState, directory: Directory): VaultState[] {
  return [...state.members.values()].flatMap((member) => teamAt(state, member, directory)?.state ?? []);
}
