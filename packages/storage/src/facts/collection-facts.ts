import type { AccountId, ChunkId, VaultId } from '@coffer/core';
import type { PackId, PackName } from '../packs/packs.ts';
import type { ChunkPlace, UsageFacts } from './facts.ts';

export interface SweepChunks {
  /** Where the last step ended; 0 for the first. */
  readonly after: number;
  /** Chunks without a reference whose grace ended before are garbage. */
  readonly nowMs: number;
}

export interface Collected {
  readonly chunks: number;
  /** Bytes of their records. */
  readonly bytes: number;
}

export interface Swept extends Collected {
  /** Where the next step begins; undefined when everything was looked at. */
  readonly next: number | undefined;
  /** Garbage that is not gone yet: what these refer to has to be counted down, see `collectSegments`. */
  readonly segments: readonly GarbageSegment[];
}

export interface GarbageSegment extends ChunkPlace {
  readonly owner: AccountId;
}

export interface CollectSegments {
  readonly owner: AccountId;
  readonly payloads: readonly Uint8Array[];
  readonly nowMs: number;
}

/** Where a listing of packs goes on: behind the last one it gave. */
export interface PackCursor {
  readonly liveBytes: number;
  readonly pack: PackId;
}

/** A full pack of chunks, and how much of it is still needed. */
export interface PackUse extends PackName {
  readonly indexedBytes: number;
  readonly liveBytes: number;
}

export interface LiveRecords {
  readonly pack: PackId;
  /** Offset of the last record of the listing before; 0 for the first. */
  readonly after: number;
  readonly limit: number;
}

/** Records that lie in another pack now, as columns. */
export interface MovedChunks {
  readonly owner: AccountId;
  readonly from: PackId;
  readonly fromOffsets: readonly number[];
  readonly to: PackId;
  readonly offsets: readonly number[];
}

export interface MarkChunks {
  readonly pack: PackId;
  /** Of the records; absent: all of the pack. */
  readonly offsets?: readonly number[];
  /** True: they cannot be read. False: they can, whatever was found before. */
  readonly lost: boolean;
}

export interface LookUpLost {
  readonly vault: VaultId;
  /** The last id of the listing before. */
  readonly after: ChunkId | undefined;
  readonly limit: number;
}

/** A chunk that versions refer to and that cannot be read. */
export interface LostChunk {
  /** Of a segment, which anybody who may write to the vault can send again: the owner of the vault. */
  readonly uploader: AccountId;
  readonly id: ChunkId;
  readonly segment: boolean;
}

/** An account whose counters were wrong. */
export interface UsageDifference {
  readonly account: AccountId;
  readonly recorded: UsageFacts;
  readonly counted: UsageFacts;
}

/** The half of `Facts` that collection, compaction, scrub and recount need (STORAGE §Counts, expiry, collection). */
export interface CollectionFacts {
  /**
   * One bounded step over all chunks: those that nothing refers to, whose grace is over and that no prepared append
   * needs are gone, with what they took of usage and packs.
   */
  sweepChunks(sweep: SweepChunks): Promise<Swept>;
  /** Garbage segments with their content: what is still garbage is gone, and its chunks are counted down in every vault that could use it. */
  collectSegments(segments: CollectSegments): Promise<Collected>;
  /** Full packs of chunks, less than half of which is live and none of which is lost, the emptiest first. */
  packsToCompact(after: PackCursor | undefined, limit: number): Promise<readonly PackUse[]>;
  /** Full packs of chunks that hold nothing any more. */
  emptyPacks(limit: number): Promise<readonly PackUse[]>;
  /** What lies in a pack, by offset. */
  liveRecords(look: LiveRecords): Promise<readonly ChunkPlace[]>;
  /** The file of the pack is gone. A pack that still holds something stays known. */
  forgetPack(pack: PackId): Promise<void>;
  /** A lost chunk counts as missing for uploads and appends, and the next record of its id takes its place. */
  markChunks(mark: MarkChunks): Promise<void>;
  /** By id; a listing ends early only when there are no more. */
  lostChunks(look: LookUpLost): Promise<readonly LostChunk[]>;
  /** True when a lost chunk of the owner has no known place: its damaged record may lie in any of the owner's packs. */
  hasUnplaced(owner: AccountId): Promise<boolean>;
  /** Counts what every account stores, and corrects what is recorded. Answers where the two differed. */
  recount(signal?: AbortSignal): Promise<readonly UsageDifference[]>;
}
