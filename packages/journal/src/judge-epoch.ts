import { equalBytes, idKey, lp, sha256 } from '@coffer/core';
import type { DeviceId, Hash, IdKey } from '@coffer/core';
import type { CommitHeader } from './commit-header.ts';
import type { Directory } from './directory.ts';
import { isTeamId } from './field-schemas.ts';
import type { Subject } from './field-schemas.ts';
import { workerFingerprint, workersOf } from './identity.ts';
import { teamAt } from './judge-author.ts';
import type { EpochRef } from './ref.ts';
import { invalid } from './refuse.ts';
import type { VaultState } from './vault-state.ts';

/** A key that the secret of an epoch must be sealed to. */
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

/** Of a team's public key. */
export function teamFingerprint(teamKey: Uint8Array): Hash {
  return sha256(lp('coffer/1 team', teamKey));
}

/** The keys of one member at the heads this journal has seen: its own, then its workers that serve this vault. @throws INVALID */
export function recipientsOf(member: Subject, { state, directory }: JournalPosition): Recipient[] {
  const team = teamAt(state, { member }, directory);
  if (team !== undefined) {
    const { teamKey } = team.state;
    if (teamKey === null) throw invalid('a vault that is no team cannot be a member');
    return [{ recipient: member, worker: null, fingerprint: teamFingerprint(teamKey), sealKey: teamKey }];
  }
  const head = state.identities.get(idKey(member));
  const identity = head === undefined || isTeamId(member) ? undefined : directory.identity(member, head);
  if (identity === undefined) throw invalid('the chain of a member is not known');
  const own: Recipient = {
    recipient: member,
    worker: null,
    fingerprint: identity.fingerprint,
    sealKey: identity.sealKey,
  };
  const workers = workersOf(identity, state.vault).flatMap((worker): Recipient[] =>
    worker.sealKey === undefined
      ? []
      : [{ recipient: member, worker: worker.device, fingerprint: workerFingerprint(worker), sealKey: worker.sealKey }],
  );
  return [own, ...workers];
}

/** Everything that an epoch at this position must be sealed to: every member and its workers. @throws INVALID */
export function epochRecipients(position: JournalPosition): Recipient[] {
  return [...position.state.members.values()].flatMap(({ member }) => recipientsOf(member, position));
}

/**
 * An `epoch` ref at this position, after the members of its commit.
 * @returns for each member the fingerprint of the key that was sealed to
 * @throws INVALID
 */
export function checkEpoch(
  ref: EpochRef,
  { state, directory, header }: JournalPosition & { readonly header: CommitHeader },
): ReadonlyMap<IdKey, Hash> {
  if (ref.n !== header.epoch) throw invalid('an epoch has the wrong number');
  if ((ref.link === null) !== (ref.n === 0)) throw invalid('an epoch is not linked to the one before');
  if ((ref.teamKey !== null) !== (state.kind === 'team')) throw invalid('a team key stands where none belongs');
  const wanted = new Map(epochRecipients({ state, directory }).map((one) => [recipientKey(one), one.fingerprint]));
  const fingerprints = new Map<IdKey, Hash>();
  for (const seal of ref.seals) {
    const fingerprint = wanted.get(recipientKey(seal));
    if (fingerprint === undefined || !equalBytes(fingerprint, seal.fingerprint)) {
      throw invalid('an epoch is sealed to somebody who is no member, or twice, or to another key');
    }
    wanted.delete(recipientKey(seal));
    if (seal.worker === null) fingerprints.set(idKey(seal.recipient), seal.fingerprint);
  }
  if (wanted.size > 0) throw invalid('an epoch is not sealed to every member');
  return fingerprints;
}

function recipientKey({ recipient, worker }: Pick<Recipient, 'recipient' | 'worker'>): string {
  return `${idKey(recipient)}/${worker === null ? '' : idKey(worker)}`;
}
