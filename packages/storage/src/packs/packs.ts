import type { AccountId } from '@coffer/core';
import type { PackRecord } from './pack-format.ts';

export type PackKind = 'chunks' | 'journal';

/** 16 bytes as lower-case hex: 48-bit milliseconds ‖ 80 random bits, so names sort by age. */
export type PackId = string;

/** All packs of one kind of one owning account. */
export interface PackStore {
  readonly owner: AccountId;
  readonly kind: PackKind;
}

export interface PackName extends PackStore {
  readonly pack: PackId;
}

export interface PackInfo extends PackName {
  readonly bytes: number;
}

/** Where a record lies; `bytes` counts its header too. */
export interface PackPlace {
  readonly pack: PackId;
  readonly offset: number;
  readonly bytes: number;
}

/** Stands for everything appended to a store between two drops; see {@link Packs}. */
export type FlushTicket = number;

export interface Appended {
  /** In the order of the records. Valid once `flush` with this ticket has succeeded. */
  readonly places: readonly PackPlace[];
  readonly ticket: FlushTicket;
  /** Resolves when the writer has room for more; await it before the next append. */
  readonly room: Promise<void>;
}

export interface PackRange extends PackName {
  readonly offset: number;
  readonly length: number;
}

/** A pack that was open when the process stopped. */
export interface PackTail extends PackInfo {
  /** Everything before is known to be durable. */
  readonly durableBytes: number;
  /** Whole records reach to here; what follows is cut. */
  readonly wholeBytes: number;
  /** True: new records of its store may follow. */
  readonly grows: boolean;
}

/**
 * Append-only storage of records (STORAGE §Two interfaces). Records of one store keep their order; a pack is never
 * modified before its end. Every implementation passes `packsContract` of `@coffer/storage/testing`.
 *
 * A write that fails for want of space drops what was appended to that store since its last flush: every flush with a
 * ticket from before is answered NO_SPACE, and the store stays usable. Any other failed write, and every failed flush,
 * is final: IO from then on.
 */
export interface Packs extends AsyncDisposable {
  append(store: PackStore, records: readonly PackRecord[]): Appended;
  /** Resolves once everything appended to the store so far survives a power cut. @throws NO_SPACE, IO */
  flush(store: PackStore, ticket: FlushTicket): Promise<void>;
  /** Exactly `length` bytes, in a new array or in the front of `into`. @throws NOT_FOUND (no such pack), DAMAGED (too short), IO */
  read(range: PackRange, into?: Uint8Array): Promise<Uint8Array>;
  /** Every pack there is, in no particular order. @throws IO */
  list(): AsyncIterable<PackInfo>;
  /** Cuts a torn tail, makes the rest durable and, if it grows, goes on appending behind it. @throws IO */
  resume(tail: PackTail): Promise<void>;
  /** Whatever lies in the pack now survives a power cut afterwards. @throws IO */
  settle(name: PackName): Promise<void>;
  /** Removes a pack that nothing refers to any more, for good; one that is gone already is no error. @throws IO */
  remove(name: PackName): Promise<void>;
}
