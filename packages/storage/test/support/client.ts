import type { ChunkId, EntryId } from '@coffer/core';
import { newEntryId, systemClock, systemRandom } from '@coffer/core';
import type { Commit, Ref } from '@coffer/journal';
import type { TestVault } from '@coffer/journal/testing';
import { putRef } from '@coffer/journal/testing';
import { randomBytes } from 'node:crypto';
import type { Ack } from '../../src/index.ts';
import { checkStorage } from '../../src/index.ts';
import type { StorageBench } from './storage-bench.ts';

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function newEntry(): EntryId {
  return newEntryId(systemClock, systemRandom);
}

export function newId(): ChunkId {
  return new Uint8Array(randomBytes(32));
}

/** What the tests do with a home vault. */
export class Client {
  readonly bench: StorageBench;
  readonly vault: TestVault;

  constructor(bench: StorageBench, vault: TestVault = bench.home) {
    this.bench = bench;
    this.vault = vault;
  }

  get scope() {
    return { vault: this.vault.id, uploader: this.bench.owner.account };
  }

  async upload(...payloads: readonly Uint8Array[]): Promise<ChunkId[]> {
    const writer = await this.bench.storage.putChunks({ ...this.scope, kind: 'chunk' });
    const ids = payloads.map(newId);
    for (const [index, id] of ids.entries()) await writer.put(id, payloads[index] ?? new Uint8Array(1));
    await writer.finish();
    return ids;
  }

  put(ids: readonly ChunkId[], entry: EntryId = newEntry()): Ref {
    return putRef(entry, { uploader: this.bench.owner.account, ids });
  }

  make(...refs: readonly Ref[]): Commit {
    return this.vault.make({ by: this.bench.device, refs });
  }

  async append(...refs: readonly Ref[]): Promise<Ack> {
    const commit = this.make(...refs);
    const ack = await this.bench.storage.append(this.vault.id, [commit]);
    this.vault.add(commit);
    return ack;
  }

  async findings(): Promise<unknown[]> {
    return collect(checkStorage({ path: this.bench.path, readData: true }));
  }
}
