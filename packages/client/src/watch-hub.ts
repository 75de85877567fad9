import { equalBytes } from '@coffer/core';
import type { VaultId } from '@coffer/core';
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

  /** Something was done with the rights of the account: whoever was taken out of a vault hears of it in no other way. */
  onNotice(): void {
    for (const watcher of this.#watchers) tell(watcher, 0);
  }

  /**
   * The first item comes once the server was reached, so that whoever watches pulls what came before. One try, one connection:
   * when it is lost this throws, and the caller decides when to watch again.
   * @throws UNREACHABLE and what else a connection that cannot be made or kept fails with; the signal's reason
   */
  async *watch(vault: VaultId, signal?: AbortSignal): AsyncGenerator<{ readonly seq: number }> {
    const watcher: Watcher = { vault, latestSeq: undefined, wake: undefined };
    const stop = (): void => watcher.wake?.();
    this.#watchers.add(watcher);
    signal?.addEventListener('abort', stop);
    try {
      const connection = await this.#begin(vault, signal);
      void connection.closed.then(stop);
      tell(watcher, 0);
      for (;;) {
        signal?.throwIfAborted();
        if (connection.failure !== undefined) throw connection.failure;
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

  #begin(vault: VaultId, signal: AbortSignal | undefined): Promise<ClientConnection> {
    const watching = async (connection: ClientConnection): Promise<ClientConnection> => {
      await connection.request('vault.watch', { vaults: [vault] }, { ...(signal && { signal }) });
      return connection;
    };
    return this.#connections().attempt('control', watching, signal);
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
