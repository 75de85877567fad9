import { equalBytes, idKey, lp, sha256 } from '@coffer/core';
import type { DeviceId, Hash, IdKey } from '@coffer/core';
import type { CommitHeader } from './commit-header.ts';
import type { Directory } from './directory.ts';
import { isTeamId } from './field-schemas.ts';
import type { Subject } from './field-schemas.ts';
import { workerFingerprint, workersOf } from './identity.ts';
import { identityIn, teamAt } from './judge-author.ts';
import type { EpochRef, EpochSeal } from './ref.ts';
import { invalid } from './refuse.ts';
import type { Member, VaultState } from './vault-state.ts';

/** A key that the secret of an epoch is sealed to. */
export interface Recipient {
  readonly recipient: Subject;
  readonly worker: DeviceId | null;
  readonly fingerprint: Hash;
  /** Raw X-Wing public key. */
  readonly sealKey: Uint8Array;
}

export interface JournalPosition {
  readonly state: VaultState;
  readonly directory: Directory;
}

/** One member's keys. */
export interface MemberRecipients {
  /** The member's own key first, then those of its workers that serve this vault. */
  readonly recipients: readonly Recipient[];
  /**
   * False when the member's key is not the one the owner admitted. Such a member may be left out of an epoch, workers
   * and all, until the owner has made sure of the new key and admits it: it must not hold up the others.
   */
  readonly admitted: boolean;
}

/** Of a team's public key. */
export function teamFingerprint(teamKey: Uint8Array): Hash {
  return sha256(lp('coffer/1 team', teamKey));
}

/** The keys of one account or team at the heads this journal has seen. @throws INVALID when they are not known */
export function recipientsOf(member: Subject, { state, directory }: JournalPosition): Recipient[] {
  const team = teamAt(state, { member }, directory);
  if (team !== undefined) {
    const { teamKey } = team.state;
    if (teamKey === null) throw invalid('a vault that is no team cannot be a member');
    return [{ recipient: member, worker: null, fingerprint: teamFingerprint(teamKey), sealKey: teamKey }];
  }
  const identity = isTeamId(member) ? undefined : identityIn(state, member, directory);
  if (identity === undefined) throw invalid('the chain of a member is not known');
  const { fingerprint, sealKey } = identity;
  const workers = workersOf(identity, state.vault).map((worker) => ({
    recipient: member,
    worker: worker.device,
    fingerprint: workerFingerprint(worker),
    sealKey: worker.sealKey,
  }));
  return [{ recipient: member, worker: null, fingerprint, sealKey }, ...workers];
}

/** Everybody that an epoch at this position is sealed to: every member and its workers. @throws INVALID */
export function epochRecipients(position: JournalPosition): MemberRecipients[] {
  return [...position.state.members.values()].map((member) => memberRecipients(member, position));
}

function memberRecipients({ member, role, fingerprint }: Member, position: JournalPosition): MemberRecipients {
  const recipients = recipientsOf(member, position);
  const same = recipients.some(({ worker, fingerprint: now }) => worker === null && equalBytes(now, fingerprint));
  return { recipients, admitted: same || role === 'owner' };
}

/**
 * An `epoch` ref at this position, after the members of its commit.
 * @returns for each member that was sealed to the fingerprint of its key
 * @throws INVALID
 */
export function checkEpoch(
  ref: EpochRef,
  { state, directory, header }: JournalPosition & { readonly header: CommitHeader },
): ReadonlyMap<IdKey, Hash> {
  if (ref.n !== header.epoch) throw invalid('an epoch has the wrong number');
  if ((ref.link === null) !== (ref.n === 0)) throw invalid('an epoch is not linked to the one before');
  if ((ref.teamKey !== null) !== (state.kind === 'team')) throw invalid('a team key stands where none belongs');
  const given = new Map(ref.seals.map((seal) => [recipientKey(seal), seal]));
  if (given.size !== ref.seals.length) throw invalid('an epoch is sealed to somebody twice');
  const sealedTo = epochRecipients({ state, directory }).flatMap((member) => takeSeals(given, member));
  if (given.size > 0) throw invalid('an epoch is sealed to somebody who is no member');
  return new Map(sealedTo.map(({ recipient, fingerprint }) => [idKey(recipient), fingerprint]));
}

/** The member's own key, when all of its keys have their seal; nothing, when it was rightly left out. */
function takeSeals(given: Map<string, EpochSeal>, { recipients, admitted }: MemberRecipients): Recipient[] {
  const present = recipients.filter((recipient) => given.has(recipientKey(recipient)));
  if (present.length === 0 && !admitted) return [];
  for (const recipient of recipients) {
    const key = recipientKey(recipient);
    const seal = given.get(key);
    if (seal === undefined) throw invalid('an epoch is not sealed to every member');
    if (!equalBytes(seal.fingerprint, recipient.fingerprint)) throw invalid('an epoch is sealed to another key');
    given.delete(key);
  }
  return recipients.slice(0, 1);
}

function recipientKey({ recipient, worker }: Pick<Recipient, 'recipient' | 'worker'>): string {
  return `${idKey(recipient)}/${worker === null ? '' : idKey(worker)}`;
}
