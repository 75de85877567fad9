import type { AccountId, ChunkId, VaultId } from '@coffer/core';
import { CofferError, concatBytes, equalBytes, MiB } from '@coffer/core';
import { segmentId } from '@coffer/journal';
import type { Facts } from '../facts/facts.ts';
import { missingChunksError } from '../missing-chunks.ts';
import { recordHeaderBytes } from '../packs/pack-format.ts';
import type { SpaceGuard } from '../space-guard.ts';
import type { ChunkStore, UploadFate } from './chunk-store.ts';
import { graceMs } from './chunk-store.ts';

/** Bytes of all its writers after which the owner's quota is looked at again. */
const quotaStepBytes = MiB;

/** Chunks that were there already and are claimed in one step. */
const claimBatch = 2048;

/** Longest record of a chunk or segment: a data frame without its id (PROTOCOL §Limits, 4.25 MiB). */
const chunkPayloadLimit = 4.25 * MiB - 32;

export interface ChunkUpload {
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly uploader: AccountId;
  readonly kind: 'chunk' | 'segment';
  /** What the owner may store in all; null: no limit. */
  readonly quotaBytes: number | null;
  /** What the uploader, who is not the owner, may store with the owner; null: no limit. */
  readonly memberBytes: number | null;
}

export interface ChunkWriterDeps {
  readonly store: ChunkStore;
  readonly facts: Facts;
  readonly space: SpaceGuard;
  readonly nowMs: () => number;
}

export interface Stored {
  readonly stored: number;
  readonly duplicates: number;
  /** Payload bytes of what was stored. */
  readonly bytes: number;
}

/** One upload of chunks (`chunk.put`). Nothing is promised before `finish` has resolved. */
export class ChunkWriter {
  readonly #upload: ChunkUpload;
  readonly #deps: ChunkWriterDeps;
  readonly #fate: UploadFate = { lost: false, notAllowed: false, missing: [] };
  #claims: { readonly id: Uint8Array; readonly pending: boolean }[] = [];
  #stored = 0;
  #duplicates = 0;
  #bytes = 0;
  #firstQuotaCheck = true;

  constructor(upload: ChunkUpload, deps: ChunkWriterDeps) {
    this.#upload = upload;
    this.#deps = deps;
  }

  /**
   * Takes a sealed chunk or a segment's payload, whole or in parts. The bytes belong to the storage from now on and are
   * written without being copied; they must never change again. Resolves when there is room for the next one.
   * @throws LIMIT, QUOTA, NO_SPACE, IO; for segments INVALID, MISSING_CHUNKS, NOT_ALLOWED
   */
  async put(id: ChunkId, payload: Uint8Array | readonly Uint8Array[]): Promise<'stored' | 'duplicate'> {
    if (id.byteLength !== 32) throw new RangeError('a chunk id has 32 bytes');
    const parts = payload instanceof Uint8Array ? [payload] : payload;
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    if (bytes === 0 || bytes > chunkPayloadLimit)
      throw new CofferError('LIMIT', 'a chunk has a wrong size', { details: { bytes } });
    if (this.#upload.kind === 'segment') checkSegmentId(id, parts);
    const pending = this.#isPending(id);
    if (pending || this.#deps.facts.isStored({ ...this.#upload, id })) return this.#claim(id, pending);
    if (this.#upload.kind === 'segment') await this.#checkSegment(concatBytes(...parts));
    await this.#add(id, parts, bytes);
    this.#stored += 1;
    this.#bytes += bytes;
    return 'stored';
  }

  /** Resolves once everything put is flushed and indexed: from now on it is present. @throws NO_SPACE, MISSING_CHUNKS, IO */
  async finish(): Promise<Stored> {
    await this.#deps.store.settle();
    this.#checkFate();
    await this.#sendClaims();
    return { stored: this.#stored, duplicates: this.#duplicates, bytes: this.#bytes };
  }

  #isPending(id: ChunkId): boolean {
    return this.#upload.kind === 'chunk' && this.#deps.store.isPending(this.#upload.uploader, id);
  }

  async #claim(id: ChunkId, pending: boolean): Promise<'duplicate'> {
    this.#duplicates += 1;
    this.#claims.push({ id: new Uint8Array(id), pending });
    if (this.#claims.length < claimBatch) return 'duplicate';
    // What is claimed may still be on its way to the index.
    await this.#deps.store.settle();
    await this.#sendClaims();
    return 'duplicate';
  }

  async #sendClaims(): Promise<void> {
    const claims = this.#claims;
    this.#claims = [];
    const ids = concatBytes(...claims.map(({ id }) => id));
    if (ids.byteLength === 0) return;
    const { vault, owner, uploader } = this.#upload;
    const graceUntilMs = this.#deps.nowMs() + graceMs;
    const claimed = await this.#deps.facts.claimChunks({ vault, owner, uploader, ids, graceUntilMs });
    // Another upload was about to store it and lost it to a full disk. One that was collected in between is another
    // matter: the append says that it is missing, and the client sends it again.
    if (claims.some(({ pending }, index) => pending && claimed[index] === false)) this.#fate.lost = true;
    this.#checkFate();
  }

  async #checkSegment(payload: Uint8Array): Promise<void> {
    const { owner, vault, uploader } = this.#upload;
    const question = { owner, vault, author: uploader, payload };
    let checked = await this.#deps.facts.checkSegment(question);
    if (checked.status === 'missing' && !this.#deps.store.idle) {
      // Its chunks may have been sent a moment ago, on another stream.
      await this.#deps.store.settle();
      checked = await this.#deps.facts.checkSegment(question);
    }
    if (checked.status === 'missing') throw missingChunksError(checked.chunks, checked.count);
    if (checked.status === 'notAllowed') throw segmentNotAllowed();
  }

  async #add(id: ChunkId, payload: readonly Uint8Array[], bytes: number): Promise<void> {
    const { store } = this.#deps;
    const { vault, uploader, kind } = this.#upload;
    const arrived = store.announce(bytes + recordHeaderBytes);
    try {
      await this.#checkRoom(bytes + recordHeaderBytes);
      const added = store.add({ vault, uploader, kind, id, payload, fate: this.#fate });
      // The store counts it itself from here on.
      arrived();
      await added;
    } finally {
      arrived();
    }
  }

  async #checkRoom(bytes: number): Promise<void> {
    const { space, store, facts } = this.#deps;
    this.#checkFate();
    await space.check(bytes);
    const { owner, quotaBytes } = this.#upload;
    await this.#checkShare(bytes);
    // What all writers of the owner add counts: many small uploads would otherwise pass the quota together.
    const due = this.#firstQuotaCheck || store.sinceQuotaCheckBytes >= quotaStepBytes;
    if (quotaBytes === null || !due) return;
    this.#firstQuotaCheck = false;
    const { chunkBytes, journalBytes } = await facts.usage(owner);
    const usedBytes = chunkBytes + journalBytes + store.pendingBytes;
    if (usedBytes > quotaBytes) throw quotaError({ usedBytes: usedBytes - bytes, quotaBytes });
    store.sinceQuotaCheckBytes = 0;
  }

  /** What is on its way into the index counts as far as it may be this upload's. */
  async #checkShare(bytes: number): Promise<void> {
    const { store, facts } = this.#deps;
    const { owner, uploader, memberBytes } = this.#upload;
    if (memberBytes === null) return;
    const sent = await facts.writtenBytes(owner, uploader);
    const usedBytes = sent + Math.min(store.pendingBytes, this.#bytes);
    if (usedBytes + bytes > memberBytes) throw memberQuotaError({ usedBytes, quotaBytes: memberBytes });
  }

  #checkFate(): void {
    const { lost, notAllowed, missing } = this.#fate;
    if (notAllowed) throw segmentNotAllowed();
    if (missing.length > 0) throw missingChunksError(missing, missing.length);
    if (lost) throw new CofferError('NO_SPACE', 'the disk of the server is full');
  }
}

function segmentNotAllowed(): CofferError {
  return new CofferError('NOT_ALLOWED', 'a segment names chunks that may not be used in this vault');
}

interface QuotaExceeded {
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

/** What the owner stores and may store, in numbers. */
export function quotaError({ usedBytes, quotaBytes }: QuotaExceeded): CofferError {
  return new CofferError('QUOTA', 'the storage of this account is used up', {
    hint: 'Remove files and empty the trash, or ask the administrator for more.',
    details: { usedBytes, quotaBytes },
  });
}

/** What one account stores with another and may store there, in numbers. */
export function memberQuotaError({ usedBytes, quotaBytes }: QuotaExceeded): CofferError {
  return new CofferError('QUOTA', 'your part of the storage of this folder’s owner is used up', {
    hint: 'Remove files there that you have stored, or ask the owner to make room; the administrator sets how much each member may take.',
    details: { usedBytes, quotaBytes, of: 'member' },
  });
}

function checkSegmentId(id: ChunkId, parts: readonly Uint8Array[]): void {
  if (!equalBytes(segmentId(concatBytes(...parts)), id)) {
    throw new CofferError('INVALID', 'a segment does not have the id of its content');
  }
}
