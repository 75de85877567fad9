import type { ChunkId, Hash, Timestamp } from '@coffer/core';
import type { LaneFailure, LaneResult, PackedResults } from './lane-messages.ts';

/** One piece of a file as a lane reports it. */
export type ChunkRecord =
  | {
      readonly kind: 'chunk';
      readonly plainHash: Hash;
      readonly id: ChunkId;
      readonly plainBytes: number;
      readonly storedBytes: number;
      /** Where it does not follow from the newest dedup secret: of a chunk that an older one has named. */
      readonly key?: Uint8Array;
    }
  | { readonly kind: 'hole'; readonly bytes: number };

const recordBytes = 73;

/** A file that was read and sealed. */
export interface FileOutcome {
  readonly job: number;
  readonly ok: true;
  readonly size: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  readonly records: readonly ChunkRecord[];
  readonly bytesSent: number;
}

export type LaneOutcome = FileOutcome | LaneFailure;

/** For a message to another thread. */
export function packResults(outcomes: readonly LaneOutcome[]): PackedResults {
  const records = encodeRecords(outcomes.flatMap((outcome) => (outcome.ok ? outcome.records : [])));
  const results = outcomes.map((outcome): LaneResult => {
    if (!outcome.ok) return outcome;
    const { job, size, mtime, mode, bytesSent } = outcome;
    return { job, ok: true, size, mtime, mode, bytesSent, recordCount: outcome.records.length };
  });
  return { results, records };
}

/** Hashes and ids are views of the message's array. */
export function unpackResults({ results, records }: PackedResults): LaneOutcome[] {
  const all = decodeRecords(records);
  let next = 0;
  return results.map((result): LaneOutcome => {
    if (!result.ok) return result;
    const { recordCount, ...facts } = result;
    next += recordCount;
    return { ...facts, records: all.slice(next - recordCount, next) };
  });
}

/** Fixed-size records in one array: it crosses threads by one copy, where a list of objects costs more than sealing a small file. */
function encodeRecords(records: readonly ChunkRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.length * recordBytes);
  const view = new DataView(bytes.buffer);
  for (const [index, record] of records.entries()) {
    const at = index * recordBytes;
    if (record.kind === 'hole') {
      view.setFloat64(at + 1, record.bytes);
      continue;
    }
    bytes[at] = 1;
    bytes.set(record.plainHash, at + 1);
    bytes.set(record.id, at + 33);
    view.setUint32(at + 65, record.plainBytes);
    view.setUint32(at + 69, record.storedBytes);
  }
  return bytes;
}

function decodeRecords(bytes: Uint8Array): ChunkRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const records: ChunkRecord[] = [];
  for (let at = 0; at < bytes.byteLength; at += recordBytes) {
    if (bytes[at] === 0) records.push({ kind: 'hole', bytes: view.getFloat64(at + 1) });
    else
      records.push({
        kind: 'chunk',
        plainHash: bytes.subarray(at + 1, at + 33),
        id: bytes.subarray(at + 33, at + 65),
        plainBytes: view.getUint32(at + 65),
        storedBytes: view.getUint32(at + 69),
      });
  }
  return records;
}
