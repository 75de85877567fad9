import type { ErrorCode, Timestamp } from '@coffer/core';
import type { SlotRef } from './shared-slots.ts';

/** What an upload lane is started with. Secrets, in memory only. */
export interface LaneSetup {
  /** `K_cut` of the vault. */
  readonly cutKey: Uint8Array;
  /** The newest generation of the account's dedup secret. */
  readonly dedupSecret: Uint8Array;
  readonly compressionLevel: number;
}

export type LaneRequest =
  | {
      readonly kind: 'file';
      readonly job: number;
      readonly path: string | Uint8Array;
      readonly known: Uint8Array | undefined;
    }
  | { readonly kind: 'stream'; readonly job: number; readonly known: undefined }
  /** The next bytes of a stream; empty at its end. */
  | { readonly kind: 'part'; readonly job: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cancel'; readonly job: number }
  /** Which of the ids of an `ask` need not be sent: one byte each. */
  | { readonly kind: 'present'; readonly batch: number; readonly present: Uint8Array }
  /** A slot whose chunks are confirmed comes back. */
  | { readonly kind: 'recycle'; readonly slot: number }
  | { readonly kind: 'requests'; readonly requests: readonly LaneRequest[] };

export type LaneReply =
  | { readonly kind: 'ask'; readonly batch: number; readonly ids: Uint8Array }
  /** Sealed chunks, each `id ‖ sealed`, from `ends[i - 1]` to `ends[i]` of the slot. */
  | {
      readonly kind: 'sealed';
      readonly ref: SlotRef;
      readonly ends: readonly number[];
      readonly results: PackedResults;
    }
  | { readonly kind: 'results'; readonly results: PackedResults }
  /** A stream may send its next part. */
  | { readonly kind: 'more'; readonly job: number }
  | { readonly kind: 'read'; readonly bytes: number };

/** Results that travel together. One array of records for all: a hundred small ones cost more than a hundred small files. */
export interface PackedResults {
  readonly results: readonly LaneResult[];
  /** {@link encodeRecords} of all that succeeded, in order. */
  readonly records: Uint8Array;
}

export type LaneResult = LaneSuccess | LaneFailure;

interface LaneSuccess {
  readonly job: number;
  readonly ok: true;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  /** How many of the message's records are its. */
  readonly recordCount: number;
  readonly bytesSent: number;
}

export interface LaneFailure {
  readonly job: number;
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
}
