import { equalBytes, idKey, integrityError } from '@coffer/core';
import type { Hash, IdKey } from '@coffer/core';
import { commitLabel } from './commit.ts';
import type { Commit } from './commit.ts';
import { checkTeamCommits } from './departure.ts';
import type { Directory } from './directory.ts';
import { checkEpoch } from './judge-epoch.ts';
import type { IdentityState } from './identity.ts';
import { applyIdentityRefs } from './judge-identities.ts';
import { applyMemberRefs } from './judge-members.ts';
import { checkContentRefs } from './judge-content.ts';
import { judgeAuthor } from './judge-author.ts';
import type { Author } from './judge-author.ts';
import { defaultRetention } from './retention.ts';
import type { EpochRef, GenesisRef, Ref, RefKind } from './ref.ts';
import { conflict, invalid, notAllowed } from './refuse.ts';
import { verifySignature } from './signature.ts';
import type { Member, VaultState } from './vault-state.ts';

/**
 * The state of a vault after its first commit.
 * @throws INVALID when it is not a genesis, or not its owner's; INTEGRITY when the signature is not the owner's
 */
export function openVault(genesis: Commit, directory: Directory): VaultState {
  const { header } = genesis;
  const [first, second] = header.refs;
  if (first?.kind !== 'genesis' || second?.kind !== 'epoch' || second.n !== 0 || header.refs.length !== 2) {
    throw invalid('a genesis holds its own reference and the first epoch, nothing else');
  }
  if (!equalBytes(header.account, first.owner)) throw invalid('a genesis is not made by the owner');
  const identity = directory.identity(first.owner, first.chainHead);
  if (identity === undefined) throw invalid('a genesis names an identity that is not known');
  if (!equalBytes(identity.fingerprint, first.fingerprint)) throw invalid('a genesis names another identity');
  checkSigned(genesis, identity.signKey);
  const state = firstState(genesis, first, second);
  checkEpoch(second, { state, directory, header });
  return state;
}

/**
 * The state of a vault after one more commit: everything of JOURNAL §Append 1 that does not need storage (chunks,
 * quota). Refs count in this order, whatever their order in the list: identity, (author), member, epoch, the others.
 * @throws CONFLICT not on top of the head or not in its epoch; NOT_ALLOWED; INVALID; INTEGRITY signature
 */
export function judgeCommit(state: VaultState, commit: Commit, directory: Directory): VaultState {
  const { header } = commit;
  if (header.seq === 1 || !equalBytes(commit.vault, state.vault)) throw invalid('a commit is of another vault');
  checkPlace(state, commit);
  if (state.kind === 'team') checkTeamCommits(header);
  const seen: VaultState = applyIdentityRefs(state, header, directory);
  const author = judgeAuthor(seen, header, directory);
  checkSigned(commit, author.device.signKey);
  for (const ref of header.refs) checkRight(ref, author);
  const context = { state: applyMemberRefs(seen, header, directory), directory, header };
  const epoch = onlyRef(header.refs, 'epoch');
  const fingerprints = epoch === undefined ? undefined : checkEpoch(epoch, context);
  checkContentRefs(header, state);
  return { ...afterEpoch(context.state, { commit, epoch, fingerprints }), ...afterCommit(commit, state) };
}

/**
 * What can be said of a commit before the journals of teams are asked: that it stands on top of the head, and that a device of its
 * author, whose chain is `author` now, has signed it. @throws CONFLICT, NOT_ALLOWED, INTEGRITY
 */
export function checkClaim(state: VaultState, commit: Commit, author: IdentityState | undefined): void {
  checkPlace(state, commit);
  const device = author?.devices.get(idKey(commit.header.device));
  if (device === undefined) throw notAllowed('the device of the author is not certified, or revoked');
  checkSigned(commit, device.signKey);
}

function firstState(genesis: Commit, first: GenesisRef, epoch: EpochRef): VaultState {
  const key = idKey(first.owner);
  const owner: Member = { member: first.owner, role: 'owner', fingerprint: first.fingerprint, since: 1 };
  return {
    vault: genesis.vault,
    kind: first.vaultKind,
    owner: first.owner,
    seq: 1,
    head: genesis.hash,
    epoch: 0,
    epochCommitment: epoch.commitment,
    epochSeq: 1,
    members: new Map([[key, owner]]),
    identities: new Map([[key, first.chainHead]]),
    policy: defaultRetention,
    teamKey: epoch.teamKey,
  };
}

function checkPlace({ seq, head, epoch }: VaultState, { header }: Commit): void {
  const current = epoch + (header.refs.some(({ kind }) => kind === 'epoch') ? 1 : 0);
  if (header.seq !== seq + 1 || !equalBytes(header.prev, head)) {
    throw conflict('the vault has advanced', { seq });
  }
  if (header.epoch !== current) throw conflict('the epoch of the vault has advanced', { seq, epoch });
}

function checkSigned({ headerBytes, signature }: Commit, key: Uint8Array): void {
  if (!verifySignature({ key, label: commitLabel, bytes: headerBytes, signature })) throw integrityError('a commit');
}

/** Who may write what (JOURNAL §Commit, References). Whoever got here may write. */
const ownerRefs: ReadonlySet<RefKind> = new Set(['member', 'epoch', 'policy', 'purge']);

function checkRight(ref: Ref, { role, device, account }: Author): void {
  if (ref.kind === 'genesis') throw invalid('a vault begins once');
  if (ownerRefs.has(ref.kind) && (role !== 'owner' || device.scope !== 'full')) {
    throw notAllowed('only the owner, on a full device, may do this', { ref: ref.kind });
  }
  if (ref.kind === 'identity' && device.scope === 'worker' && !equalBytes(ref.subject, account)) {
    throw notAllowed('a worker may speak only of its own account', { ref: ref.kind });
  }
}

function onlyRef<Kind extends RefKind>(refs: readonly Ref[], kind: Kind): Extract<Ref, { kind: Kind }> | undefined {
  const found = refs.filter((ref): ref is Extract<Ref, { kind: Kind }> => ref.kind === kind);
  if (found.length > 1) throw invalid('a reference that may stand once stands twice', { ref: kind });
  return found[0];
}

interface NewEpoch {
  readonly commit: Commit;
  readonly epoch: EpochRef | undefined;
  /** By member: what the owner has sealed to now. */
  readonly fingerprints: ReadonlyMap<IdKey, Hash> | undefined;
}

function afterEpoch(state: VaultState, { commit, epoch, fingerprints }: NewEpoch): VaultState {
  if (epoch === undefined || fingerprints === undefined) return state;
  const members = new Map<IdKey, Member>();
  for (const [key, member] of state.members) {
    members.set(key, { ...member, fingerprint: fingerprints.get(key) ?? member.fingerprint });
  }
  const { n, commitment, teamKey } = epoch;
  return { ...state, members, epoch: n, epochCommitment: commitment, epochSeq: commit.header.seq, teamKey };
}

function afterCommit({ header, hash }: Commit, { policy }: VaultState): Pick<VaultState, 'seq' | 'head' | 'policy'> {
  return { seq: header.seq, head: hash, policy: onlyRef(header.refs, 'policy')?.policy ?? policy };
}
