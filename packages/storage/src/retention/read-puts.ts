import type { AccountId, Hash, IdKey, Logger, VaultId } from '@coffer/core';
import { idKey, isCofferError } from '@coffer/core';
import type { Commit, PutRef } from '@coffer/journal';
import { parseCommit } from '@coffer/journal';
import type { Facts } from '../facts/facts.ts';
import type { ExpiredPut, VersionPlace } from '../facts/retention-facts.ts';
import type { PackPlace, Packs } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';

export interface ReadPuts {
  readonly facts: Pick<Facts, 'commits'>;
  readonly packs: Packs;
  readonly logger: Logger;
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly versions: readonly VersionPlace[];
}

/**
 * What the commits that put these versions counted, read from the journal: the index keeps no list of chunks for each
 * version. A version whose commit cannot be read is left out, which is logged: it stays. @throws IO
 */
export async function* readPuts(read: ReadPuts): AsyncGenerator<ExpiredPut, void, undefined> {
  const bySeq = new Map<number, Set<IdKey>>();
  for (const { entry, seq } of read.versions) bySeq.set(seq, (bySeq.get(seq) ?? new Set()).add(idKey(entry)));
  for (const [seq, entries] of bySeq) {
    const commit = await tryRead(read, seq);
    for (const ref of commit?.header.refs ?? [])
      if (ref.kind === 'put' && entries.has(idKey(ref.entry))) yield copyOf(ref, seq);
  }
}

async function tryRead(read: ReadPuts, seq: number): Promise<Commit | undefined> {
  try {
    const [applied] = await read.facts.commits(read.vault, seq - 1, 1);
    return applied?.seq === seq ? await readCommit(read, applied) : undefined;
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'INVALID')) throw error;
    const about = { vault: idKey(read.vault), seq, code: error.code };
    read.logger.error(about, 'a commit cannot be read, its versions stay');
    return undefined;
  }
}

interface StoredCommit {
  readonly packs: Packs;
  readonly owner: AccountId;
}

async function readCommit(
  { packs, owner }: StoredCommit,
  { hash, place }: { readonly hash: Hash; readonly place: PackPlace },
): Promise<Commit> {
  const { pack, offset, bytes } = place;
  const record = await packs.read({ owner, kind: 'journal', pack, offset, length: bytes });
  return parseCommit(openRecord(record, { place: { ...place, id: hash }, at: 0 }).payload);
}

/** Views of the record would take all of it with them to the index's thread. */
function copyOf({ entry, chunks, segments }: PutRef, seq: number): ExpiredPut {
  return {
    entry: entry.slice(),
    seq,
    chunks: chunks.map(({ uploader, ids }) => ({ uploader: uploader.slice(), ids: ids.slice() })),
    segments: segments.slice(),
  };
}

/** Bytes of references that go to the index at a time. */
const batchBytes = 4 * 1024 * 1024;

/** As many at a time as one statement may name, and the index's thread should be given. */
export async function* batchesOf(
  puts: AsyncIterable<ExpiredPut>,
  limit: number,
): AsyncGenerator<ExpiredPut[], void, undefined> {
  let batch: ExpiredPut[] = [];
  let bytes = 0;
  for await (const put of puts) {
    batch.push(put);
    bytes += put.segments.byteLength + put.chunks.reduce((sum, { ids }) => sum + ids.byteLength, 0);
    if (batch.length < limit && bytes < batchBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
