import type { AccountId } from '@coffer/core';
import { equalBytes } from '@coffer/core';
import type { Facts, VaultFacts } from '../facts/facts.ts';
import type { Packs } from '../packs/packs.ts';
import type { RetentionClock } from '../retention/retention-clock.ts';
import type { SpaceGuard } from '../space-guard.ts';
import type { ChunkStore } from './chunk-store.ts';
import { graceMs } from './chunk-store.ts';
import type { ChunkUpload } from './chunk-writer.ts';
import { ChunkWriter } from './chunk-writer.ts';
import type { ChunkRead } from './read-chunks.ts';
import { readChunks } from './read-chunks.ts';

export interface ChunkAccessDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly space: SpaceGuard;
  readonly clock: RetentionClock;
  readonly storeOf: (owner: AccountId) => ChunkStore;
  readonly limitsOf: (owner: AccountId) => Promise<Pick<ChunkUpload, 'quotaBytes' | 'memberBytes'>>;
}

/** Ids of one uploader, n × 32 bytes. */
interface Ids {
  readonly uploader: AccountId;
  readonly ids: Uint8Array;
}

/** Uploads and downloads of chunks and segments. */
export class ChunkAccess {
  readonly #deps: ChunkAccessDeps;

  constructor(deps: ChunkAccessDeps) {
    this.#deps = deps;
  }

  /** As a bitmap (bit i = byte i >> 3, 1 << (i & 7)); what no commit refers to yet gets a new grace time. @throws IO */
  async present({ vault, owner }: VaultFacts, { uploader, ids }: Ids): Promise<Uint8Array> {
    const { facts, clock } = this.#deps;
    const graceUntilMs = clock.nowMs() + graceMs;
    return bitmapOf(await facts.claimChunks({ vault, owner, uploader, ids: ids.slice(), graceUntilMs }));
  }

  /** Begins an upload. @throws IO */
  async put(
    { vault, owner }: VaultFacts,
    { uploader, kind }: { readonly uploader: AccountId; readonly kind: 'chunk' | 'segment' },
  ): Promise<ChunkWriter> {
    const { facts, space, clock, storeOf, limitsOf } = this.#deps;
    const { quotaBytes, memberBytes } = await limitsOf(owner);
    const limits = { quotaBytes, memberBytes: equalBytes(owner, uploader) ? null : memberBytes };
    const upload = { vault: new Uint8Array(vault), owner, uploader: new Uint8Array(uploader), kind, ...limits };
    return new ChunkWriter(upload, { store: storeOf(owner), facts, space, nowMs: () => clock.nowMs() });
  }

  /** In the order asked. @throws NOT_FOUND `{id}` after the ones found, DAMAGED, IO; the signal's reason */
  read(
    { vault, owner }: VaultFacts,
    read: Ids & { readonly signal?: AbortSignal },
  ): AsyncGenerator<ChunkRead, void, undefined> {
    const { facts, packs } = this.#deps;
    return readChunks({ ...read, facts, packs, vault, owner });
  }
}

function bitmapOf(flags: readonly boolean[]): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(flags.length / 8));
  flags.forEach((set, index) => {
    if (set) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return bitmap;
}
