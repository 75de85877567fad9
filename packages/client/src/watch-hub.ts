import { equalBytes, idKey } from '@coffer/core';
import type { IdKey, VaultId } from '@coffer/core';
import type { ClientConnection, EventOf } from '@coffer/protocol';
import type { Connections } from './connection/connections.ts';

interface Watcher {
  readonly vault: VaultId;
  latestSeq: number | undefined;
  wake: (() => void) | undefined;
}

/** Hands the server's events to those who watch; positions that come while one is busy become one. */
export class WatchHub {
  readonly #connections: () => Connections;
  readonly #watchers = new Set<Watcher>();

  constructor(connections: () => Connections) {
    this.#connections = connections;
  }

  /** `vault.advanced`. */
  onEvent({ vault, seq }: EventOf<'vault.advanced'>): void {
    for (const watcher of this.#watchers) if (equalBytes(watcher.vault, vault)) tell(watcher, seq);
  }

  /** A new control connection knows nothing of what was watched on the old one, and may have missed something. */
  onControl(connection: ClientConnection): void {
    const vaults = new Map<IdKey, VaultId>([...this.#watchers].map(({ vault }) => [idKey(vault), vault]));
    if (vaults.size === 0) return;
    void this.#watchAgain(connection, [...vaults.values()]);
  }

  async #watchAgain(connection: ClientConnection, vaults: VaultId[]): Promise<void> {
    try {
      await connection.request('vault.watch', { vaults });
      for (const watcher of this.#watchers) tell(watcher, watcher.latestSeq ?? 0);
    } catch {
      // The connection broke again: the next one asks anew.
    }
  }

  /** The first item comes at once, so that whoever watches pulls what came before. */
  async *watch(vault: VaultId, signal?: AbortSignal): AsyncGenerator<{ readonly seq: number }> {
    const watcher: Watcher = { vault, latestSeq: undefined, wake: undefined };
    const stop = (): void => watcher.wake?.();
    this.#watchers.add(watcher);
    signal?.addEventListener('abort', stop);
    try {
      const watching = (connection: ClientConnection): Promise<unknown> =>
        connection.request('vault.watch', { vaults: [vault] }, { ...(signal && { signal }) });
      await this.#connections().run('control', watching, signal);
      tell(watcher, 0);
      for (;;) {
        signal?.throwIfAborted();
        const seq = watcher.latestSeq;
        watcher.latestSeq = undefined;
        if (seq === undefined) await slept(watcher);
        else yield { seq };
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#watchers.delete(watcher);
    }
  }
}

function tell(watcher: Watcher, seq: number): void {
  watcher.latestSeq = Math.max(watcher.latestSeq ?? 0, seq);
  watcher.wake?.();
}

async function slept(watcher: Watcher): Promise<void> {
  await new Promise<void>((resolve) => {
    watcher.wake = resolve;
  });
  watcher.wake = undefined;
}
