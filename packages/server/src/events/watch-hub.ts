import { idKey, type IdKey, type VaultId } from '@coffer/core';

/** One connection that wants to hear of new commits. */
export interface Watcher {
  /** Asked before every delivery: membership may have ended since the watch began. */
  mayRead(vault: VaultId): Promise<boolean>;
  /** Resolves when the connection took the event. */
  notify(vault: VaultId, seq: number): Promise<void>;
}

interface Watch {
  readonly watcher: Watcher;
  readonly vaults: Map<IdKey, VaultId>;
  /** The newest seq not yet told, by vault: at most one each, however slow the watcher is. */
  readonly pending: Map<IdKey, number>;
  sending: boolean;
}

/**
 * Tells every watcher of a vault that it advanced. A slow watcher hears only of the newest position: events say
 * "pull", not what changed, so nothing is lost by leaving some out. Holds no more than watchers × vaults numbers.
 */
export class WatchHub {
  readonly #watches = new Map<Watcher, Watch>();
  readonly #byVault = new Map<IdKey, Set<Watch>>();

  /** Adds vaults to what `watcher` hears of. */
  watch(watcher: Watcher, vaults: readonly VaultId[]): void {
    const watch = this.#watchOf(watcher);
    for (const vault of vaults) {
      const key = idKey(vault);
      watch.vaults.set(key, vault);
      const watches = this.#byVault.get(key) ?? new Set();
      this.#byVault.set(key, watches.add(watch));
    }
  }

  /** How many vaults `watcher` hears of. */
  countOf(watcher: Watcher): number {
    return this.#watches.get(watcher)?.vaults.size ?? 0;
  }

  leave(watcher: Watcher): void {
    const watch = this.#watches.get(watcher);
    if (watch === undefined) return;
    this.#watches.delete(watcher);
    for (const key of watch.vaults.keys()) this.#remove(watch, key);
  }

  /** `author` made the commits itself and is not told. */
  advanced(vault: VaultId, seq: number, author?: Watcher): void {
    const key = idKey(vault);
    for (const watch of this.#byVault.get(key) ?? []) {
      if (watch.watcher === author) continue;
      watch.pending.set(key, Math.max(seq, watch.pending.get(key) ?? 0));
      if (!watch.sending) void this.#send(watch);
    }
  }

  async #send(watch: Watch): Promise<void> {
    watch.sending = true;
    try {
      for (let next = takeFirst(watch.pending); next !== undefined; next = takeFirst(watch.pending)) {
        await this.#deliver(watch, next[0], next[1]);
      }
    } catch {
      // The connection is gone; it would have to watch again on the next one anyway.
      this.leave(watch.watcher);
    } finally {
      watch.sending = false;
    }
  }

  async #deliver(watch: Watch, key: IdKey, seq: number): Promise<void> {
    const vault = watch.vaults.get(key);
    if (vault === undefined) return;
    if (await watch.watcher.mayRead(vault)) await watch.watcher.notify(vault, seq);
    else {
      this.#remove(watch, key);
      // The last one, with no position: it looks, and is told that there is no such vault.
      await watch.watcher.notify(vault, 0);
    }
  }

  #remove(watch: Watch, key: IdKey): void {
    watch.vaults.delete(key);
    const watches = this.#byVault.get(key);
    watches?.delete(watch);
    if (watches?.size === 0) this.#byVault.delete(key);
  }

  #watchOf(watcher: Watcher): Watch {
    const known = this.#watches.get(watcher);
    if (known !== undefined) return known;
    const watch: Watch = { watcher, vaults: new Map(), pending: new Map(), sending: false };
    this.#watches.set(watcher, watch);
    return watch;
  }
}

function takeFirst(pending: Map<IdKey, number>): readonly [IdKey, number] | undefined {
  const first = pending.entries().next();
  if (first.done) return undefined;
  pending.delete(first.value[0]);
  return first.value;
}
