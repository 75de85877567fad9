import type { AccountId, ChunkId, EntryId, Hash, VaultId } from '@coffer/core';
import type { PackId, PackKind, PackPlace } from '../packs/packs.ts';
import type { CollectionFacts, MovedChunks } from './collection-facts.ts';
import type { FoundRetention, RecordPlace, RetentionFacts } from './retention-facts.ts';

/** Up to where a pack's records are in the index. */
export interface PackProgress {
  readonly owner: AccountId;
  readonly kind: PackKind;
  readonly pack: PackId;
  readonly indexedBytes: number;
  /** True: the pack is full and will not grow. */
  readonly sealed: boolean;
}

/** Chunk records that were flushed together and differ only in id and place. Columns, because they cross threads. */
export interface ChunkGroup {
  readonly vault: VaultId;
  readonly uploader: AccountId;
  readonly kind: 'chunk' | 'segment';
  readonly pack: PackId;
  /** n × 32 bytes. */
  readonly ids: Uint8Array;
  readonly offsets: readonly number[];
  /** Whole records, headers included. */
  readonly bytes: readonly number[];
  /** For segments: the payload of each. */
  readonly payloads?: readonly Uint8Array[];
}

export interface IndexChunks {
  readonly owner: AccountId;
  readonly groups: readonly ChunkGroup[];
  readonly packs: readonly PackProgress[];
  readonly graceUntilMs: number;
  /** Records that were copied between those of the groups. */
  readonly moved?: readonly MovedChunks[];
  /** True: a segment may come before its chunks, and nothing is left out. */
  readonly recovering?: boolean;
}

/** A segment that was left out because it names chunks that are missing or not allowed. */
export interface RefusedSegment {
  readonly segment: ChunkId;
  /** Empty when what it names is not allowed. */
  readonly missing: readonly MissingChunk[];
}

/** A chunk that is referred to and not there. */
export interface MissingChunk {
  readonly uploader: AccountId;
  readonly id: ChunkId;
}

export interface ClaimChunks {
  readonly owner: AccountId;
  readonly vault: VaultId;
  readonly uploader: AccountId;
  /** n × 32 bytes. */
  readonly ids: Uint8Array;
  readonly graceUntilMs: number;
}

export interface CheckSegment {
  readonly owner: AccountId;
  readonly vault: VaultId;
  readonly author: AccountId;
  readonly payload: Uint8Array;
}

/** Names a check that pinned chunks until its append is applied or cancelled. */
export type AppendToken = number;

export interface PrepareAppend {
  readonly token: AppendToken;
  readonly vault: VaultId;
  readonly owner: AccountId;
  /** Whole commits, consecutive, already judged. */
  readonly commits: readonly Uint8Array[];
  /** What the owner may store in all; null: no limit. */
  readonly quotaBytes: number | null;
  /** What each other account may store with the owner; null: no limit. */
  readonly memberBytes: number | null;
  /** Largest stored content of one file; null: no limit. */
  readonly largestFileBytes: number | null;
  /** Payloads of segments that an earlier try named in `segments`. */
  readonly segments: readonly Uint8Array[];
  /** True: the commits were acknowledged once; what is missing is noted, and only `ready` or `segments` are answered. */
  readonly recovering?: boolean;
}

/** Only `ready` pins anything. */
export type Prepared =
  | { readonly status: 'ready' }
  | { readonly status: 'missing'; readonly count: number; readonly chunks: readonly MissingChunk[] }
  | { readonly status: 'notAllowed' }
  | { readonly status: 'unknownVersion'; readonly entry: EntryId; readonly expired: boolean }
  | { readonly status: 'quota'; readonly usedBytes: number; readonly quotaBytes: number }
  /** Of the author, with the owner. */
  | { readonly status: 'memberQuota'; readonly usedBytes: number; readonly quotaBytes: number }
  | { readonly status: 'tooLarge'; readonly limitBytes: number }
  /** The content of these must be handed in: they are new to this vault. */
  | { readonly status: 'segments'; readonly places: readonly PackPlace[] };

export interface AppliedCommit {
  readonly seq: number;
  readonly hash: Hash;
  readonly receivedAtMs: number;
  readonly place: PackPlace;
}

export interface VaultMember {
  /** Account (16 bytes) or team (32 bytes). */
  readonly member: Uint8Array;
  readonly role: string;
}

/** What a team was after one of its commits. */
export interface TeamStateFacts {
  readonly seq: number;
  /** `encodeVaultState`. */
  readonly state: Uint8Array;
}

export interface ApplyAppend {
  readonly token: AppendToken;
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly kind: string;
  readonly applied: readonly AppliedCommit[];
  /** `encodeVaultState` after the last commit. */
  readonly state: Uint8Array;
  /** Of a team: states after some of these commits that will be asked for (`teamStateUpTo`). */
  readonly teamStates?: readonly TeamStateFacts[];
  /** All members, when they may have changed. */
  readonly members?: readonly VaultMember[];
  readonly packs: readonly PackProgress[];
}

/** A commit found in a pack, to be applied when its turn comes. */
export interface FoundCommit {
  readonly vault: VaultId;
  /** Of the pack. */
  readonly owner: AccountId;
  readonly seq: number;
  readonly hash: Hash;
  readonly receivedAtMs: number;
  readonly place: PackPlace;
}

export interface VaultFacts {
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly kind: string;
  readonly seq: number;
  readonly head: Hash;
  readonly receivedAtMs: number;
  readonly state: Uint8Array;
}

export interface MembershipFacts extends Pick<VaultFacts, 'vault' | 'kind' | 'seq' | 'head' | 'owner'> {
  readonly role: string;
}

export interface ChunkPlace extends PackPlace {
  readonly id: ChunkId;
}

export interface UsageFacts {
  readonly chunkBytes: number;
  readonly uncommittedBytes: number;
  readonly journalBytes: number;
  readonly files: number;
  readonly versions: number;
  readonly trashBytes: number;
  /** Of chunks and journals, what other accounts have sent. */
  readonly othersBytes: number;
}

export interface LookUpChunks {
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly uploader: AccountId;
  /** n × 32 bytes. */
  readonly ids: Uint8Array;
}

export interface StoredQuestion {
  readonly owner: AccountId;
  readonly vault: VaultId;
  readonly uploader: AccountId;
  readonly kind: 'chunk' | 'segment';
  readonly id: ChunkId;
}

/**
 * What the server knows, as questions and changes of its domain (STORAGE §Two interfaces). Each change is one
 * transaction; a change that resolved is seen by every later question. Every implementation passes `factsContract` of
 * `@coffer/storage/testing`. Any rejection of a change is @throws IO, DAMAGED or NO_SPACE and means that nothing of it happened.
 */
export interface Facts extends CollectionFacts, RetentionFacts, AsyncDisposable {
  /** Records flushed chunks; the first record of an id counts. Answers the segments that were left out. */
  indexChunks(batch: IndexChunks): Promise<{ readonly refused: readonly RefusedSegment[] }>;
  /**
   * Which of the ids are there for the uploader to refer to in the vault (PROTOCOL `chunk.has`). From now on it may, and
   * those that nothing refers to yet stay for the grace time.
   */
  claimChunks(claim: ClaimChunks): Promise<readonly boolean[]>;
  /** Whether the author may store this segment for the vault. */
  checkSegment(segment: CheckSegment): Promise<Prepared>;
  /** Checks references and quota and, in the same step, pins what is referred to against collection. */
  prepareAppend(append: PrepareAppend): Promise<Prepared>;
  applyAppend(append: ApplyAppend): Promise<void>;
  cancelAppend(token: AppendToken): Promise<void>;
  /** Moves on where a recovery would begin, for records that change nothing else. */
  advancePacks(packs: readonly PackProgress[]): Promise<void>;
  /** True: everything committed before survives a power cut. False: a reader was in the way. */
  checkpoint(): Promise<boolean>;

  /** True once everything in the packs has been indexed; a new or deleted index is not. */
  isComplete(): Promise<boolean>;
  markComplete(): Promise<void>;
  /** Remembers commits and statements found by a recovery, and how far their pack was read. */
  noteCommits(commits: readonly FoundCommit[], pack: PackProgress, found?: FoundRetention): Promise<void>;
  /** Vaults with commits that were found and not yet applied. */
  vaultsToRecover(): Promise<readonly VaultId[]>;
  /** The found commits of one position. */
  foundCommits(vault: VaultId, seq: number): Promise<readonly FoundCommit[]>;

  /** Those found after a position, by seq; there may be several of one, and gaps. */
  foundAfter(vault: VaultId, seq: number, limit: number): Promise<readonly FoundCommit[]>;
  /** These records count for nothing, now and whenever they are found again. */
  setAsideCommits(places: readonly RecordPlace[], packs: readonly PackProgress[]): Promise<void>;

  packs(): Promise<readonly PackProgress[]>;
  vault(vault: VaultId): Promise<VaultFacts | undefined>;
  vaultsOf(member: AccountId | VaultId): Promise<readonly MembershipFacts[]>;
  /** In order, from `after + 1` on, at most `limit`. */
  commits(vault: VaultId, after: number, limit: number): Promise<readonly AppliedCommit[]>;
  /** Bytes of the records of a vault's commits together. */
  journalBytes(vault: VaultId): Promise<number>;
  /** Where the commit of a team with this hash stands. */
  teamSeq(team: VaultId, head: Hash): Promise<number | undefined>;
  /** The newest of the kept states of a team that is not after `seq`. */
  teamStateUpTo(team: VaultId, seq: number): Promise<Uint8Array | undefined>;
  /**
   * True when storing it again would add nothing; for a segment only if the vault may use it already.
   * Synchronous: asked once for every uploaded chunk.
   */
  isStored(question: StoredQuestion): boolean;
  /** Places of chunks, as asked; undefined for what no unexpired version of the vault refers to. */
  readableChunks(look: LookUpChunks): Promise<readonly (ChunkPlace | undefined)[]>;
  usage(owner: AccountId): Promise<UsageFacts>;
  /** Bytes of chunks, segments and commits that `writer`, another account, has sent into vaults of the owner. */
  writtenBytes(owner: AccountId, writer: AccountId): Promise<number>;
}
