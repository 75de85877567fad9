import type { AccountId, IdKey } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { ChunkStoreDeps } from '../chunks/chunk-store.ts';
import { ChunkStore } from '../chunks/chunk-store.ts';
import { JournalStore } from './journal-store.ts';

/** Owners whose open journals are kept; idle ones beyond it are forgotten. */
const storeLimit = 256;

/** The open packs of every owner, each once. */
export class OpenStores {
  readonly #deps: ChunkStoreDeps;
  /** One small object for every account that stored something since the start: uploads hold on to theirs. */
  readonly #chunks = new Map<IdKey, ChunkStore>();
  readonly #journals = new Map<IdKey, JournalStore>();

  constructor(deps: ChunkStoreDeps) {
    this.#deps = deps;
  }

  chunksOf(owner: AccountId): ChunkStore {
    const key = idKey(owner);
    const store = this.#chunks.get(key) ?? new ChunkStore(owner, this.#deps);
    this.#chunks.set(key, store);
    return store;
  }

  journalOf(owner: AccountId): JournalStore {
    return cached(this.#journals, idKey(owner), () => new JournalStore(owner, this.#deps));
  }

  /** Resolves once nothing is on its way into a chunk pack, however that ended. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#chunks.values()].map((store) => store.settle()));
  }
}

/** Finds or makes; forgets idle ones when there are too many. */
function cached<Value extends { readonly idle: boolean }>(
  map: Map<IdKey, Value>,
  key: IdKey,
  make: () => Value,
): Value {
  const found = map.get(key);
  if (found) return found;
  if (map.size >= storeLimit) for (const [other, value] of map) if (value.idle) map.delete(other);
  const made = make();
  map.set(key, made);
  return made;
}
