import type { AccountId, ChunkId, VaultId } from '@coffer/core';
import { concatBytes, dayMs, equalBytes, isCofferError, MiB } from '@coffer/core';
import { setImmediate } from 'node:timers/promises';
import { checkpoint } from '../vaults/journal-store.ts';
import type { PackRecord } from '../packs/pack-format.ts';
import { recordKinds } from '../packs/pack-format.ts';
import type { Appended, FlushTicket, PackPlace, Packs, PackStore } from '../packs/packs.ts';
import type { RetentionClock } from '../retention/retention-clock.ts';
import type { MovedChunks } from '../facts/collection-facts.ts';
import type { ChunkGroup, Facts, MissingChunk, PackProgress } from '../facts/facts.ts';

/** How long a chunk that no commit refers to is kept (STORAGE §Counts). */
export const graceMs = dayMs;

/** Appended and not yet indexed above which a settling begins by itself: one index transaction of about 30 ms. */
const settleRecords = 2048;
const settleBytes = 16 * MiB;

/** Waiting records above which writers wait for the index. */
const pendingLimit = 4 * settleRecords;

/** Small records need nothing to wait for: without a pause a stream of them would keep the thread to itself. */
const yieldRecords = 256;

/** What became of the records of one upload. */
export interface UploadFate {
  /** Some of them had to be given up for want of space. */
  lost: boolean;
  /** A segment was left out of the index because of a chunk that its author may not use. */
  notAllowed: boolean;
  /** What segments lacked that were left out of the index. */
  readonly missing: MissingChunk[];
}

export interface StoreChunk {
  readonly vault: VaultId;
  readonly uploader: AccountId;
  readonly kind: 'chunk' | 'segment';
  readonly id: ChunkId;
  readonly payload: readonly Uint8Array[];
  readonly fate: UploadFate;
}

/** A record of an older pack that is written once more. */
export interface MoveChunk extends StoreChunk {
  readonly receivedAtMs: number;
  readonly from: PackPlace;
}

interface PendingChunk {
  readonly chunk: Omit<StoreChunk, 'payload'>;
  /** Where it lay before, if it is moved. */
  readonly from: PackPlace | undefined;
  /** Of a segment: the index needs its content. */
  readonly payload: Uint8Array | undefined;
  readonly place: PackPlace;
  readonly ticket: FlushTicket;
}

export interface ChunkStoreDeps {
  readonly packs: Packs;
  readonly facts: Facts;
  /** Grace is counted by it. */
  readonly clock: Pick<RetentionClock, 'nowMs' | 'receiveMs'>;
  /** A flush or an index transaction failed for good. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * The open chunk packs of one owner: what was appended becomes present in order, first flushed, then indexed. Any
 * number of writers share the flushes.
 */
export class ChunkStore {
  readonly #store: PackStore;
  readonly #deps: ChunkStoreDeps;
  #pending: PendingChunk[] = [];
  #pendingBytes = 0;
  /** Apart from those: what is moved is in the owner's usage already. */
  #movingBytes = 0;
  readonly #pendingIds = new Set<string>();
  #settling: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** The newest pack, as the index knows it. */
  #open: PackProgress | undefined;
  #sinceYield = 0;
  #arrivingBytes = 0;
  /** Bytes that all writers together were given room for since the owner's quota was last looked at. */
  sinceQuotaCheckBytes = 0;

  constructor(owner: AccountId, deps: ChunkStoreDeps) {
    this.#store = { owner, kind: 'chunks' };
    this.#deps = deps;
  }

  /** Bytes that the index does not count yet: appended, or about to be. */
  get pendingBytes(): number {
    return this.#pendingBytes + this.#arrivingBytes;
  }

  /** A writer is about to add so many bytes, and asks whether it may. The result takes that back, once. */
  announce(bytes: number): () => void {
    this.#arrivingBytes += bytes;
    this.sinceQuotaCheckBytes += bytes;
    let announced = bytes;
    return () => {
      this.#arrivingBytes -= announced;
      announced = 0;
    };
  }

  get idle(): boolean {
    return this.#pending.length === 0 && this.#settling === undefined;
  }

  isPending(uploader: AccountId, id: ChunkId): boolean {
    return this.#pendingIds.size > 0 && this.#pendingIds.has(pendingKey(uploader, id));
  }

  /** Appends a record; resolves when there is room for the next. What becomes of it is told to its fate. @throws IO */
  async add({ payload, ...chunk }: StoreChunk): Promise<void> {
    const id = new Uint8Array(chunk.id);
    const content = chunk.kind === 'segment' ? concatBytes(...payload) : undefined;
    const record = { ...chunk, id, receivedAtMs: this.#deps.clock.receiveMs(), payload };
    const { place, room } = this.#append(record, { payload: content, from: undefined });
    this.#pendingBytes += place.bytes;
    this.#pendingIds.add(pendingKey(chunk.uploader, id));
    await this.#afterAppend(room);
  }

  /** Writes a record of an older pack again, byte for byte; the index follows with the next settling. @throws IO */
  async move({ from, ...record }: MoveChunk): Promise<void> {
    const { place, room } = this.#append(record, { payload: undefined, from });
    this.#movingBytes += place.bytes;
    await this.#afterAppend(room);
  }

  /** Resolves once everything added before is flushed and indexed, or lost. @throws IO */
  settle(): Promise<void> {
    if (!this.#settling) return this.#begin();
    this.#next ??= this.#settling.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #append(
    { payload, receivedAtMs, ...chunk }: Omit<MoveChunk, 'from'>,
    pending: Pick<PendingChunk, 'payload' | 'from'>,
  ): { readonly place: PackPlace; readonly room: Promise<void> } {
    const { vault, uploader, id } = chunk;
    const record = { kind: recordKinds[chunk.kind], vault, uploader, id, receivedAtMs, payload };
    const { places, room, ticket } = this.#write(record);
    const place = places[0];
    if (!place) throw new TypeError('a record was given no place');
    this.#pending.push({ ...pending, chunk, place, ticket });
    return { place, room };
  }

  /** A write may have failed with nobody waiting for it: the next record is the first to be told. */
  #write(record: PackRecord): Appended {
    try {
      return this.#deps.packs.append(this.#store, [record]);
    } catch (error) {
      this.#deps.onFatal(error);
      throw error;
    }
  }

  async #afterAppend(room: Promise<void>): Promise<void> {
    await room;
    await this.#keepUp();
    this.#sinceYield += 1;
    if (this.#sinceYield < yieldRecords) return;
    this.#sinceYield = 0;
    await setImmediate();
  }

  async #keepUp(): Promise<void> {
    if (this.#pending.length >= pendingLimit) return this.settle();
    if (this.#pending.length < settleRecords && this.#pendingBytes + this.#movingBytes < settleBytes) return;
    if (!this.#settling) this.#begin().catch(ignore);
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    this.#settling = this.#settle().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #settle(): Promise<void> {
    const batch = this.#pending;
    if (batch.length === 0) return;
    this.#pending = [];
    // Records from before a drop are gone; those after it lie where they say.
    const ticket = batch.at(-1)?.ticket ?? 0;
    const there = batch.filter((pending) => pending.ticket === ticket);
    for (const { chunk, ...pending } of batch) if (pending.ticket !== ticket) chunk.fate.lost = true;
    try {
      await this.#deps.packs.flush(this.#store, ticket);
      await this.#index(there);
    } catch (error) {
      for (const { chunk } of there) chunk.fate.lost = true;
      if (isCofferError(error, 'NO_SPACE')) return;
      this.#deps.onFatal(error);
      throw error;
    } finally {
      for (const { chunk, place, from } of batch) {
        if (from) {
          this.#movingBytes -= place.bytes;
          continue;
        }
        this.#pendingIds.delete(pendingKey(chunk.uploader, chunk.id));
        this.#pendingBytes -= place.bytes;
      }
    }
  }

  async #index(batch: readonly PendingChunk[]): Promise<void> {
    const { facts, clock } = this.#deps;
    const graceUntilMs = clock.nowMs() + graceMs;
    const { owner } = this.#store;
    const groups = groupsOf(batch.filter(({ from }) => from === undefined));
    const moved = movedOf(owner, batch);
    const packs = this.#progressOf(batch);
    const { refused } = await facts.indexChunks({ owner, groups, moved, packs, graceUntilMs });
    for (const { segment, missing } of refused) {
      const fate = batch.find(({ chunk }) => equalBytes(chunk.id, segment))?.chunk.fate;
      fate?.missing.push(...missing);
      if (fate && missing.length === 0) fate.notAllowed = true;
    }
    if (packs.some(({ sealed }) => sealed)) await checkpoint(facts);
  }

  /** How far each pack is indexed after the batch; all but the newest are full. */
  #progressOf(batch: readonly PendingChunk[]): PackProgress[] {
    const ends = new Map<string, PackProgress>();
    if (this.#open) ends.set(this.#open.pack, this.#open);
    for (const { place } of batch) {
      ends.set(place.pack, {
        ...this.#store,
        pack: place.pack,
        indexedBytes: place.offset + place.bytes,
        sealed: false,
      });
    }
    const newest = batch.at(-1)?.place.pack;
    this.#open = ends.get(newest ?? '');
    return [...ends.values()].map((progress) => ({ ...progress, sealed: progress.pack !== newest }));
  }
}

/** Consecutive records that differ only in id and place, as columns. */
function groupsOf(batch: readonly PendingChunk[]): ChunkGroup[] {
  const groups: PendingChunk[][] = [];
  for (const pending of batch) {
    const group = groups.at(-1);
    if (group?.[0] && sameGroup(group[0], pending)) group.push(pending);
    else groups.push([pending]);
  }
  return groups.map(toGroup);
}

function sameGroup(a: PendingChunk, b: PendingChunk): boolean {
  const sameScope = a.chunk.vault === b.chunk.vault && a.chunk.uploader === b.chunk.uploader;
  return sameScope && a.chunk.kind === b.chunk.kind && a.place.pack === b.place.pack;
}

function toGroup(group: readonly PendingChunk[]): ChunkGroup {
  const first = group[0];
  if (!first) throw new TypeError('an empty group');
  const { vault, uploader, kind } = first.chunk;
  return {
    vault,
    uploader,
    kind,
    pack: first.place.pack,
    ids: concatBytes(...group.map(({ chunk }) => chunk.id)),
    offsets: group.map(({ place }) => place.offset),
    bytes: group.map(({ place }) => place.bytes),
    ...(kind === 'segment' ? { payloads: group.map(({ payload }) => payload ?? new Uint8Array(0)) } : {}),
  };
}

/** Moved records that came from one pack and went to one, as columns. */
function movedOf(owner: AccountId, batch: readonly PendingChunk[]): MovedChunks[] {
  const runs = new Map<string, { from: PackPlace; to: PackPlace }[]>();
  for (const { from, place: to } of batch) {
    if (!from) continue;
    const key = `${from.pack} ${to.pack}`;
    const run = runs.get(key);
    if (run) run.push({ from, to });
    else runs.set(key, [{ from, to }]);
  }
  return [...runs.values()].map((run) => ({
    owner,
    from: run[0]?.from.pack ?? '',
    fromOffsets: run.map(({ from }) => from.offset),
    to: run[0]?.to.pack ?? '',
    offsets: run.map(({ to }) => to.offset),
  }));
}

function pendingKey(uploader: AccountId, id: ChunkId): string {
  return latin1(uploader) + latin1(id);
}

/** Half as long as hex, and made for every record. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function ignore(): void {}
