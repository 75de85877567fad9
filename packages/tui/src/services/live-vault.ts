import { CofferError, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Vault } from '@coffer/client';
import { Store } from '../app/store.ts';
import { isPassing } from './passing.ts';

/** Whether the server is there, as a person is told. */
export interface ConnectionState {
  readonly isOnline: boolean;
  readonly text: string;
}

/** Between two tries to reach the server: a person sees within that time that it is back. */
const retryMs = 2 * secondMs;

export interface LiveVaultDeps {
  readonly vault: Vault;
  readonly clock: Clock;
  /** What the server or another device did that a person must know. */
  readonly onProblem: (error: unknown) => void;
}

/**
 * Keeps a vault up to date while it is watched: pulls whatever the server has, tells that something changed, notices that the
 * server went away and came back.
 */
export class LiveVault implements AsyncDisposable {
  readonly connection = new Store<ConnectionState>({ isOnline: false, text: 'connecting' });
  /** Counts changes: of others, once they are folded, and of this program's own. */
  readonly changes = new Store(0);
  readonly #deps: LiveVaultDeps;
  readonly #ended = new AbortController();
  readonly #following: Promise<void>;

  constructor(deps: LiveVaultDeps) {
    this.#deps = deps;
    this.#following = this.#follow();
  }

  /** This program changed the vault itself. */
  touch(): void {
    this.changes.update((number) => number + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new CofferError('CANCELLED', 'closed'));
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        await this.#watch(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#lost(error);
        await this.#deps.clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { vault } = this.#deps;
    for await (const _ of vault.watch(signal)) {
      const { before, after } = await vault.pull(signal);
      if (!this.connection.state.isOnline) this.connection.set({ isOnline: true, text: 'online' });
      if (after !== before) this.touch();
    }
  }

  /** Told once for each loss; a problem that does not pass by itself is told in words. */
  #lost(error: unknown): void {
    const text = isPassing(error) ? 'offline, trying' : 'stopped by an error';
    if (this.connection.state.text === text) return;
    this.connection.set({ isOnline: false, text });
    if (!isPassing(error)) this.#deps.onProblem(error);
  }
}
