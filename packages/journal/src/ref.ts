import { AccountId, compareBytes, DeviceId, EntryId, Hash } from '@coffer/core';
import { z } from 'zod';
import { boundedBytes, SealKey, isSortedIds, hasLength, listOfLists, Subject, wholeNumber } from './field-schemas.ts';
import { commitLimits } from './limits.ts';
import { invalid, parseWith } from './refuse.ts';
import { RetentionPolicy } from './retention.ts';

/** What a vault is for. */
export const VaultKind = z.enum(['home', 'share', 'team']);
export type VaultKind = z.infer<typeof VaultKind>;

/** What a member may do; `none` in a `member` ref removes it. */
export const Role = z.enum(['read', 'write', 'owner']);
export type Role = z.infer<typeof Role>;

/** First ref of the first commit: whose vault this is. */
export interface GenesisRef {
  readonly kind: 'genesis';
  readonly vaultKind: VaultKind;
  readonly owner: AccountId;
  readonly fingerprint: Hash;
  readonly chainHead: Hash;
}

/** A copy of an epoch secret, sealed to an account, a team, or (with `worker`) a worker device of an account. */
export interface EpochSeal {
  readonly recipient: Subject;
  readonly worker: DeviceId | null;
  /** Of the key sealed to: identity, worker or team fingerprint. */
  readonly fingerprint: Hash;
  readonly sealed: Uint8Array;
}

/** A new epoch of the vault's key. */
export interface EpochRef {
  readonly kind: 'epoch';
  readonly n: number;
  readonly commitment: Hash;
  /** The previous secret under the new link key; null in epoch 0. */
  readonly link: Uint8Array | null;
  readonly seals: readonly EpochSeal[];
  /** X-Wing public key of a team; null in every other vault. */
  readonly teamKey: Uint8Array | null;
}

/** Chunks of one uploader: n × 32 bytes, sorted, each once. */
export interface UploaderIds {
  readonly uploader: AccountId;
  readonly ids: Uint8Array;
}

/** A file has a new version, made of these chunks and segments. */
export interface PutRef {
  readonly kind: 'put';
  readonly entry: EntryId;
  /** Sorted by uploader, each once. */
  readonly chunks: readonly UploaderIds[];
  /** n × 32 bytes, sorted, each once. */
  readonly segments: Uint8Array;
}

/** These entries have no current version any more. */
export interface DropRef {
  readonly kind: 'drop';
  readonly entries: readonly EntryId[];
  readonly reason: 'removed' | 'moved';
}

/** The version that commit `seq` put is current again. */
export interface KeepRef {
  readonly kind: 'keep';
  readonly entry: EntryId;
  readonly seq: number;
}

/** The chain of an account, or the journal of a team, has been seen up to `head`. */
export interface IdentityRef {
  readonly kind: 'identity';
  readonly subject: Subject;
  readonly head: Hash;
}

export interface MemberSeal {
  readonly worker: DeviceId | null;
  readonly sealed: Uint8Array;
}

/** An account or team becomes a member, changes its role, gets the current epoch secret again, or (`none`) leaves. */
export interface MemberRef {
  readonly kind: 'member';
  readonly member: Subject;
  readonly role: Role | 'none';
  readonly fingerprint: Hash;
  readonly chainHead: Hash;
  readonly seals: readonly MemberSeal[];
}

/** How long versions are kept from now on. */
export interface PolicyRef {
  readonly kind: 'policy';
  readonly policy: RetentionPolicy;
}

/** These versions of a file, and no others that an earlier purge named, shall be destroyed. */
export interface PurgeRef {
  readonly kind: 'purge';
  readonly entry: EntryId;
  /** Sorted, each once; none cancels what was purged before. */
  readonly seqs: readonly number[];
}

/** What the server needs to know of a commit, and all it sees (JOURNAL §Commit). */
export type Ref = GenesisRef | EpochRef | PutRef | DropRef | KeepRef | IdentityRef | MemberRef | PolicyRef | PurgeRef;
export type RefKind = Ref['kind'];

/** The refs of a decoded header. @throws INVALID on unknown kinds, `checkpoint` included, and on wrong fields */
export function parseRefs(value: unknown): Ref[] {
  const list = parseWith(RefList, value, 'the list of references');
  return list.map((item, index) => parseRef(item, index));
}

/** The positional array of `ref`, as it stands in a header. */
export function refToArray(ref: Ref): readonly unknown[] {
  const write = arrays[ref.kind] as (ref: Ref) => readonly unknown[];
  return [ref.kind, ...write(ref)];
}

const arrays: { readonly [Kind in RefKind]: (ref: Extract<Ref, { kind: Kind }>) => readonly unknown[] } = {
  genesis: ({ vaultKind, owner, fingerprint, chainHead }) => [vaultKind, owner, fingerprint, chainHead],
  epoch: ({ n, commitment, link, seals, teamKey }) => [n, commitment, link, seals.map(sealToArray), teamKey],
  put: ({ entry, chunks, segments }) => [entry, chunks.map(({ uploader, ids }) => [uploader, ids]), segments],
  drop: ({ entries, reason }) => [entries, reason],
  keep: ({ entry, seq }) => [entry, seq],
  identity: ({ subject, head }) => [subject, head],
  member: ({ member, role, fingerprint, chainHead, seals }) => [
    member,
    role,
    fingerprint,
    chainHead,
    seals.map(({ worker, sealed }) => [worker, sealed]),
  ],
  policy: ({ policy }) => [policy],
  purge: ({ entry, seqs }) => [entry, seqs],
};

function sealToArray({ recipient, worker, fingerprint, sealed }: EpochSeal): readonly unknown[] {
  return [recipient, worker, fingerprint, sealed];
}

const RefList = listOfLists(commitLimits.refs);

function parseRef(item: readonly unknown[], index: number): Ref {
  const kind = item[0];
  // Nearly all are, and what a schema does around its predicate takes longer than the predicate.
  if (kind === 'put' && isPutArray(item)) return putOf(item);
  const schema = typeof kind === 'string' && Object.hasOwn(schemas, kind) ? schemas[kind as RefKind] : undefined;
  if (schema === undefined) throw invalid('a reference is of an unknown kind', { index });
  return parseWith<Ref>(schema, item, `reference ${index}`);
}

const Sealed = boundedBytes(1, commitLimits.sealedBytes);
const Worker = z.union([DeviceId, z.null()]);
const Seq = wholeNumber(1);

const EpochSealEntry = z
  .tuple([Subject, Worker, Hash, Sealed])
  .transform(([recipient, worker, fingerprint, sealed]): EpochSeal => ({ recipient, worker, fingerprint, sealed }));

const MemberSealEntry = z.tuple([Worker, Sealed]).transform(([worker, sealed]): MemberSeal => ({ worker, sealed }));

const schemas = {
  genesis: z
    .tuple([z.literal('genesis'), VaultKind, AccountId, Hash, Hash])
    .transform(([kind, vaultKind, owner, fingerprint, chainHead]): GenesisRef => ({
      kind,
      vaultKind,
      owner,
      fingerprint,
      chainHead,
    })),
  epoch: z
    .tuple([
      z.literal('epoch'),
      wholeNumber(0, 2 ** 32 - 1),
      Hash,
      z.union([Sealed, z.null()]),
      z.array(EpochSealEntry).min(1).max(commitLimits.seals),
      z.union([SealKey, z.null()]),
    ])
    .transform(([kind, n, commitment, link, seals, teamKey]): EpochRef => ({
      kind,
      n,
      commitment,
      link,
      seals,
      teamKey,
    })),
  // A predicate, not nested tuples: a thousand of these arrive at once.
  put: z.custom<PutArray>(isPutArray, 'put expected').transform(putOf),
  drop: z
    .tuple([z.literal('drop'), z.array(EntryId).min(1).max(commitLimits.dropEntries), z.enum(['removed', 'moved'])])
    .transform(([kind, entries, reason]): DropRef => ({ kind, entries, reason })),
  keep: z.tuple([z.literal('keep'), EntryId, Seq]).transform(([kind, entry, seq]): KeepRef => ({ kind, entry, seq })),
  identity: z
    .tuple([z.literal('identity'), Subject, Hash])
    .transform(([kind, subject, head]): IdentityRef => ({ kind, subject, head })),
  member: z
    .tuple([
      z.literal('member'),
      Subject,
      z.enum(['read', 'write', 'owner', 'none']),
      Hash,
      Hash,
      z.array(MemberSealEntry).max(commitLimits.seals),
    ])
    .transform(([kind, member, role, fingerprint, chainHead, seals]): MemberRef => ({
      kind,
      member,
      role,
      fingerprint,
      chainHead,
      seals,
    })),
  policy: z.tuple([z.literal('policy'), RetentionPolicy]).transform(([kind, policy]): PolicyRef => ({ kind, policy })),
  purge: z
    .tuple([z.literal('purge'), EntryId, z.array(Seq).max(commitLimits.purgeSeqs).refine(areAscending)])
    .transform(([kind, entry, seqs]): PurgeRef => ({ kind, entry, seqs })),
} as const satisfies Record<RefKind, z.ZodType<Ref>>;

function putOf([kind, entry, chunks, segments]: PutArray): PutRef {
  return { kind, entry, chunks: chunks.map(([uploader, ids]) => ({ uploader, ids })), segments };
}

type PutArray = readonly ['put', EntryId, readonly (readonly [AccountId, Uint8Array])[], Uint8Array];

function isPutArray(value: unknown): value is PutArray {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [, entry, chunks, segments] = value as unknown[];
  return (
    hasLength(entry, 16) &&
    isSortedIds(segments, commitLimits.idsPerPut) &&
    Array.isArray(chunks) &&
    chunks.length <= commitLimits.uploadersPerPut &&
    chunks.every((item, index) => isUploaderAfter(item, chunks[index - 1]))
  );
}

function isUploaderAfter(item: unknown, before: unknown): boolean {
  if (!Array.isArray(item) || item.length !== 2) return false;
  const [uploader, ids] = item as unknown[];
  if (!hasLength(uploader, 16) || !isSortedIds(ids, commitLimits.idsPerPut) || ids.byteLength === 0) return false;
  return !Array.isArray(before) || compareBytes(before[0] as Uint8Array, uploader) < 0;
}

function areAscending(seqs: readonly number[]): boolean {
  return seqs.every((seq, index) => index === 0 || (seqs[index - 1] ?? seq) < seq);
}

/** A zero-length list of ids; `segments` of most puts. */
export const noIds: Uint8Array = new Uint8Array(0);
