import { equalBytes, idKey } from '@coffer/core';
import type { AccountId, Hash, IdKey, VaultId } from '@coffer/core';
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

/** How an account belongs to a vault. */
export interface Membership {
  readonly role: Role;
  /** The member record that admits the account: its own, or the one in its team. */
  readonly admitted: Member;
  /** Head of the account's chain as this journal, else the team's, has seen it. */
  readonly chainHead: Hash;
}

/** What `account` is at this position of the vault, directly or through a team; undefined for a stranger. */
export function membershipOf(state: VaultState, account: AccountId, directory: Directory): Membership | undefined {
  const key = idKey(account);
  const own = state.members.get(key);
  const ownHead = state.identities.get(key);
  if (own?.role === 'owner' && ownHead !== undefined) return { role: own.role, admitted: own, chainHead: ownHead };
  const found =
    own !== undefined && ownHead !== undefined ? [{ role: own.role, admitted: own, chainHead: ownHead }] : [];
  for (const member of state.members.values()) {
    const team = teamAt(state, member, directory);
    const admitted = team?.state.members.get(key);
    const chainHead = ownHead ?? team?.state.identities.get(key);
    if (admitted !== undefined && chainHead !== undefined) found.push({ role: member.role, admitted, chainHead });
  }
  return found.find(({ role }) => role === 'write') ?? found[0];
}

/** The role of `account` at this position, directly or through a team; undefined for a stranger. */
export function roleOf(state: VaultState, account: AccountId, directory: Directory): Role | undefined {
  return membershipOf(state, account, directory)?.role;
}

/** Device, role and keys of a commit's author at this position. @throws NOT_ALLOWED; INVALID when the chain is not known */
export function judgeAuthor(state: VaultState, header: CommitHeader, directory: Directory): Author {
  const { account } = header;
  const membership = membershipOf(state, account, directory);
  if (membership === undefined || membership.role === 'read')
    throw notAllowed('the author may not write to this vault');
  const identity = directory.identity(account, membership.chainHead);
  if (identity === undefined) throw invalid('the chain of the author is not known');
  // Being signed by the old key is not enough: the owner must have admitted the new one. The owner admits itself.
  if (membership.role !== 'owner' && !equalBytes(identity.fingerprint, membership.admitted.fingerprint)) {
    throw notAllowed("the author's identity has changed and was not admitted again");
  }
  return { account, role: membership.role, device: writingDevice(identity, header, state.vault) };
}

function writingDevice(identity: IdentityState, { device }: CommitHeader, vault: VaultId): DeviceRecord {
  const record = activeDevice(identity, device);
  if (record === undefined) throw notAllowed('the device of the author is not certified, or revoked');
  if (record.scope === 'worker' && !record.vaults.some((id) => equalBytes(id, vault))) {
    throw notAllowed('the device of the author does not serve this vault');
  }
  return record;
}

/** The team that `member` is, at the head this journal has seen; undefined for an account. */
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

/** Every account that is heard in this vault: members, and members of its teams. */
export function isHeard(state: VaultState, subject: IdKey, directory: Directory): boolean {
  if (state.members.has(subject)) return true;
  return [...state.members.values()].some(
    (member) => teamAt(state, member, directory)?.state.members.has(subject) === true,
  );
}
