import { AccountId, decodeCbor, encodeCbor, Hash, idKey, VaultId } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import { z } from 'zod';
import { SealKey, Subject, wholeNumber } from './field-schemas.ts';
import { RetentionPolicy } from './retention.ts';
import { Role, VaultKind } from './ref.ts';
import { checkVersion, invalid, parseWith } from './refuse.ts';

const MemberRecord = z.strictObject({
  member: Subject,
  role: Role,
  /** Of the keys that the owner admitted; a member whose keys changed since may not write. */
  fingerprint: Hash,
  /** Position at which this role began. */
  since: wholeNumber(1),
});

/** An account or team that holds the key of a vault. */
export type Member = Readonly<z.infer<typeof MemberRecord>>;

/** What judging the next commit of a vault needs. Never changed: judging makes a new one. */
export interface VaultState {
  readonly vault: VaultId;
  readonly kind: VaultKind;
  readonly owner: AccountId;
  /** Position and hash of the last commit. */
  readonly seq: number;
  readonly head: Hash;
  readonly epoch: number;
  readonly epochCommitment: Hash;
  /** Position of the commit that began the epoch. */
  readonly epochSeq: number;
  /** By `idKey` of the account or team; the owner is one of them. */
  readonly members: ReadonlyMap<IdKey, Member>;
  /** Chain heads (teams: journal heads) as this journal has seen them, by `idKey`. */
  readonly identities: ReadonlyMap<IdKey, Hash>;
  readonly policy: RetentionPolicy;
  /** Of a team: the X-Wing public key of this epoch. */
  readonly teamKey: Uint8Array | null;
}

/** Canonical bytes for an index or a local state; not signed, not part of any journal. */
export function encodeVaultState(state: VaultState): Uint8Array {
  const identities = [...state.identities].map(([subject, head]) => ({ subject: Uint8Array.fromHex(subject), head }));
  return encodeCbor({ v: 1, ...state, members: [...state.members.values()], identities });
}

/** @throws INVALID, UPGRADE_REQUIRED */
export function decodeVaultState(bytes: Uint8Array): VaultState {
  const value = decodeCbor(bytes);
  checkVersion(value, 'a vault state');
  const { v: _v, members, identities, ...fields } = parseWith(StoredState, value, 'a vault state');
  const state = {
    ...fields,
    members: new Map(members.map((member) => [idKey(member.member), member])),
    identities: new Map(identities.map(({ subject, head }) => [idKey(subject), head])),
  };
  if (state.members.size !== members.length || !state.members.has(idKey(state.owner))) {
    throw invalid('a vault state has no owner, or a member twice');
  }
  return state;
}

const StoredState = z.strictObject({
  v: z.literal(1),
  vault: VaultId,
  kind: VaultKind,
  owner: AccountId,
  seq: wholeNumber(1),
  head: Hash,
  epoch: wholeNumber(0),
  epochCommitment: Hash,
  epochSeq: wholeNumber(1),
  members: z.array(MemberRecord).min(1),
  identities: z.array(z.strictObject({ subject: Subject, head: Hash })),
  policy: RetentionPolicy,
  teamKey: z.union([SealKey, z.null()]),
});
