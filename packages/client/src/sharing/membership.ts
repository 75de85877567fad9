import { idKey, integrityError } from '@coffer/core';
import type { AccountId, Hash, Random, ServerId } from '@coffer/core';
import { epochKeys, newEpochSecret, sealEpochLink, sealEpochSecretTo, teamKeyPair } from '@coffer/crypto';
import { epochRecipients, recipientsOf } from '@coffer/journal';
import type { Directory, EpochRef, Member, MemberRef, Recipient, Role, VaultState } from '@coffer/journal';

/** Who changes the members of which vault, and with what. */
export interface MembershipContext {
  readonly state: VaultState;
  readonly directory: Directory;
  readonly server: ServerId;
  /** The owner. */
  readonly from: AccountId;
  /** Of the epoch that `state` is in. */
  readonly epochSecret: Uint8Array;
  readonly random: Random;
}

export interface Admission {
  /** Account or team. */
  readonly member: Uint8Array;
  readonly role: Exclude<Role, 'owner'>;
  /** Newest head of its chain, or of its journal. */
  readonly head: Hash;
  /** Of the key that was made sure of: nothing is sealed to another one. */
  readonly fingerprint: Hash;
}

/** Makes somebody a member, or gives a member another role. @throws INTEGRITY when the chain shows another key than was made sure of */
export function admission({ member, role, head, fingerprint }: Admission, context: MembershipContext): MemberRef {
  const { state, directory } = context;
  const identities = new Map(state.identities).set(idKey(member), head);
  const recipients = recipientsOf(member, { state: { ...state, identities }, directory });
  const own = recipients[0];
  if (own === undefined || !Buffer.from(own.fingerprint).equals(fingerprint))
    throw integrityError('The identity chain');
  const seals = recipients.map((recipient) => {
    const sealed = sealedTo(recipient, { ...context, n: state.epoch, secret: context.epochSecret });
    return { worker: recipient.worker, sealed };
  });
  return { kind: 'member', member, role, fingerprint, chainHead: head, seals };
}

/**
 * Gives a member's new keys the vault, and ends the epoch in the same commit: whoever took the old ones holds its secret.
 * @throws INTEGRITY when the chain shows another key than was made sure of
 */
export function readmission(
  wanted: Admission,
  context: MembershipContext,
  trusts: Trusts = () => false,
): { readonly refs: readonly [MemberRef, EpochRef]; readonly epoch: Omit<NewEpoch, 'ref'> } {
  const { member, role, head, fingerprint } = wanted;
  const key = idKey(member);
  const { state } = context;
  const identities = new Map(state.identities).set(key, head);
  const members = new Map(state.members).set(key, { member, role, fingerprint, since: state.seq + 1 });
  const { ref, n, secret } = nextEpoch({ ...context, state: { ...state, identities, members } }, { trusts });
  const admitted = admission(wanted, { ...context, state: { ...state, epoch: n }, epochSecret: secret });
  return { refs: [admitted, ref], epoch: { n, secret } };
}

/** The member leaves; only together with {@link nextEpoch}. */
export function removal(member: Uint8Array): MemberRef {
  const zero = new Uint8Array(32);
  return { kind: 'member', member, role: 'none', fingerprint: zero, chainHead: zero, seals: [] };
}

/** Whether a member's keys, other than the vault has admitted, were made sure of. */
type Trusts = (member: Uint8Array) => boolean;

export interface NewEpoch {
  readonly ref: EpochRef;
  readonly n: number;
  readonly secret: Uint8Array;
}

/**
 * A new epoch for all members but those `without`. A member whose keys changed since it was admitted is left out, unless
 * `trusts` says that the new ones were made sure of.
 */
export function nextEpoch(
  context: MembershipContext,
  { without = [], trusts = () => false }: { without?: readonly Uint8Array[]; trusts?: Trusts },
): NewEpoch {
  const { state, directory, random, epochSecret: previous } = context;
  const members = new Map(state.members);
  for (const member of without) members.delete(idKey(member));
  const n = state.epoch + 1;
  const secret = newEpochSecret(random);
  const recipients = epochRecipients({ state: { ...state, members }, directory }).flatMap((one) =>
    one.admitted || one.recipients.some(({ recipient }) => trusts(recipient)) ? one.recipients : [],
  );
  const seals = recipients.map((recipient) => ({
    recipient: recipient.recipient,
    worker: recipient.worker,
    fingerprint: recipient.fingerprint,
    sealed: sealedTo(recipient, { ...context, n, secret }),
  }));
  const link = sealEpochLink({ vault: state.vault, n, secret, previous, random });
  const { commitment } = epochKeys(secret, n);
  const teamKey = state.kind === 'team' ? teamKeyPair(secret, n).publicKey : null;
  return { ref: { kind: 'epoch', n, commitment, link, seals, teamKey }, n, secret };
}

/** Members other than the owner. */
export function othersIn({ members, owner }: VaultState): readonly Member[] {
  return [...members.values()].filter(({ member }) => idKey(member) !== idKey(owner));
}

function sealedTo(
  { recipient, worker, sealKey }: Recipient,
  { server, from, state, random, n, secret }: MembershipContext & { readonly n: number; readonly secret: Uint8Array },
): Uint8Array {
  const grant = { server, from, to: worker ?? recipient, object: state.vault, epoch: n };
  return sealEpochSecretTo({ grant, recipientKey: sealKey, secret, random });
}
