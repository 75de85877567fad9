import type { AccountId, ChunkId, VaultId } from '@coffer/core';
import { CofferError, concatBytes, idKey } from '@coffer/core';
import type { ChunkPlace, Facts } from '../facts/facts.ts';
import type { Packs } from '../packs/packs.ts';
import { readRecords } from '../packs/record-reader.ts';

/** Ids whose places are asked of the index at a time: a few milliseconds on the thread that serves. */
const batch = 256;

export interface ChunkRead {
  readonly id: ChunkId;
  readonly payload: Uint8Array;
}

export interface ReadChunks {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly uploader: AccountId;
  /** n × 32 bytes. */
  readonly ids: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** Chunks in the order asked. @throws NOT_FOUND naming the first that is not there, after those before it */
export async function* readChunks(read: ReadChunks): AsyncGenerator<ChunkRead, void, undefined> {
  const missing: { id?: ChunkId } = {};
  const { packs, owner, signal } = read;
  const relocate = (places: readonly ChunkPlace[]): Promise<ChunkPlace[]> => relocated(read, places);
  const records = readRecords({ packs, owner, kind: 'chunks', places: placesOf(read, missing), signal, relocate });
  for await (const { place, payload } of records) yield { id: place.id, payload };
  if (missing.id) throw notStored(missing.id);
}

/** A pack went away between the question where its records lie and the reading of them. */
async function relocated(read: ReadChunks, places: readonly ChunkPlace[]): Promise<ChunkPlace[]> {
  const found = await read.facts.readableChunks({ ...read, ids: concatBytes(...places.map(({ id }) => id)) });
  return places.map(({ id }, index) => {
    const place = found[index];
    if (!place) throw notStored(id);
    return place;
  });
}

function notStored(id: ChunkId): CofferError {
  return new CofferError('NOT_FOUND', 'a chunk is not stored', { details: { id: idKey(id) } });
}

/** Places up to the first id that is not there, which is left in `missing`. */
async function* placesOf(read: ReadChunks, missing: { id?: ChunkId }): AsyncGenerator<readonly ChunkPlace[]> {
  for (let start = 0; start < read.ids.byteLength; start += batch * 32) {
    const ids = read.ids.subarray(start, start + batch * 32);
    const found = await read.facts.readableChunks({ ...read, ids });
    const end = found.indexOf(undefined);
    if (end >= 0) missing.id = ids.subarray(end * 32, end * 32 + 32);
    const places = (end >= 0 ? found.slice(0, end) : found) as readonly ChunkPlace[];
    if (places.length > 0) yield places;
    if (missing.id) return;
  }
}
