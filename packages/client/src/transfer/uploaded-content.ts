import { concatBytes } from '@coffer/core';
import type { AccountId, ChunkId, Random } from '@coffer/core';
import { hashPlain, planSegments, sealChunk } from '@coffer/crypto';
import type { ChunkKeys } from '@coffer/crypto';
import { contentLimits, encodeSegment, encodeSegmentList, segmentId } from '@coffer/journal';
import type { ChunkTuple, Content, ContentTuple, SegmentRun } from '@coffer/journal';
import { uniqueSorted } from '../vaults/content-refs.ts';
import { hashContent } from '../state/stored-content.ts';
import type { UploadedContent } from '../uploader.ts';
import type { ChunkRecord, FileOutcome } from './chunk-records.ts';

export interface ContentDeps {
  /** As the vault has it: in a home vault id and key follow from the hash, in any other they are told. */
  readonly form: 'home' | 'shared';
  readonly account: AccountId;
  readonly keys: ChunkKeys;
  readonly dedupGeneration: number;
  readonly random: Random;
  readonly level: number;
  /** Sends one `id ‖ sealed`. */
  readonly send: (frame: Uint8Array) => void;
  /** Sends `id ‖ payload` of segments, once all chunks sent before are durable. */
  readonly sendSegments: (frames: readonly Uint8Array[]) => Promise<void>;
}

/** The content of what a lane has read, in the form of the vault; long ones get segments (JOURNAL §Commit). */
export async function buildContent(result: FileOutcome, deps: ContentDeps): Promise<UploadedContent> {
  const { size, mtime, mode, bytesSent, records } = result;
  const chunkCount = records.filter(({ kind }) => kind === 'chunk').length;
  const common = { size, mtime, mode };
  if (chunkCount <= contentLimits.directChunks) {
    const content = records.map((record) => tupleOf(record, deps));
    return {
      ...common,
      content,
      chunks: sortedIds(records),
      segments: [],
      contentHash: hashContent(content),
      bytesSent,
    };
  }
  const built = await segmented(records, deps);
  return {
    ...common,
    ...built,
    chunks: [],
    contentHash: hashContent(built.content),
    bytesSent: bytesSent + built.sentBytes,
  };
}

function tupleOf(record: ChunkRecord, deps: ContentDeps): ContentTuple {
  return record.kind === 'hole' ? [record.bytes] : chunkTuple(record, deps);
}

function chunkTuple(
  { plainHash, plainBytes, storedBytes, id, key }: Omit<Extract<ChunkRecord, { kind: 'chunk' }>, 'kind'>,
  { form, dedupGeneration, account, keys }: ContentDeps,
): ChunkTuple {
  if (form === 'home') return [plainHash, plainBytes, storedBytes, dedupGeneration];
  return [plainHash, plainBytes, storedBytes, account, id, key ?? keys.key(plainHash)];
}

async function segmented(
  records: readonly ChunkRecord[],
  deps: ContentDeps,
): Promise<{ content: Content; segments: readonly ChunkId[]; sentBytes: number }> {
  const ends = withoutEmptyRun(
    planSegments(records.map((record) => (record.kind === 'chunk' ? record.id : undefined))),
    records,
  );
  const built = ends.map((end, index) => segmentOf(records.slice(ends[index - 1] ?? 0, end), deps));
  await deps.sendSegments(built.map(({ frame }) => frame));
  return {
    content: ['seg', built.map(({ run }) => run)],
    segments: uniqueSorted(built.map(({ run }) => run[0])),
    sentBytes: built.reduce((sum, one) => sum + one.sentBytes, 0),
  };
}

/** A run holds at least one chunk: a hole that stands alone at the end belongs to the run before it. */
function withoutEmptyRun(ends: readonly number[], records: readonly ChunkRecord[]): readonly number[] {
  const lastStart = ends.at(-2);
  const isEmpty = lastStart !== undefined && records.slice(lastStart).every(({ kind }) => kind === 'hole');
  return isEmpty ? [...ends.slice(0, -2), records.length] : ends;
}

interface BuiltSegment {
  readonly run: SegmentRun;
  readonly frame: Uint8Array;
  readonly sentBytes: number;
}

function segmentOf(records: readonly ChunkRecord[], deps: ContentDeps): BuiltSegment {
  const list = sealList(records, deps);
  const ids = concatBytes(...uniqueSorted([...sortedIds(records), list.id]));
  const payload = encodeSegment({
    chunks: [{ uploader: deps.account, ids }],
    list: { uploader: deps.account, id: list.id },
  });
  const segment = segmentId(payload);
  const plainBytes = records.reduce(
    (sum, record) => sum + (record.kind === 'hole' ? record.bytes : record.plainBytes),
    0,
  );
  const chunks = records.filter(({ kind }) => kind === 'chunk').length;
  const frame = concatBytes(segment, payload);
  return { run: [segment, list.tuple, plainBytes, chunks], frame, sentBytes: frame.byteLength + list.sentBytes };
}

/** The list of a run is a chunk like any other, so that only members can read it. */
function sealList(
  records: readonly ChunkRecord[],
  deps: ContentDeps,
): { id: ChunkId; tuple: ChunkTuple; sentBytes: number } {
  const plain = encodeSegmentList(records.map((record) => tupleOf(record, deps)));
  const plainHash = hashPlain(plain);
  const id = deps.keys.id(plainHash);
  const sealed = sealChunk({ id, key: deps.keys.key(plainHash), plain, random: deps.random, level: deps.level });
  deps.send(concatBytes(id, sealed));
  return {
    id,
    tuple: chunkTuple({ plainHash, plainBytes: plain.byteLength, storedBytes: sealed.byteLength, id }, deps),
    sentBytes: 32 + sealed.byteLength,
  };
}

function sortedIds(records: readonly ChunkRecord[]): ChunkId[] {
  return uniqueSorted(records.filter((record) => record.kind === 'chunk').map(({ id }) => id));
}
