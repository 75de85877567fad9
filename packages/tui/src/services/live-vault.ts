import { CofferError, isCofferError, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Account, Vault } from '@coffer/client';
import { Store } from '../app/store.ts';

/** Whether the server is there, as a person is told. */
export interface ConnectionState {
  readonly isOnline: boolean;
  readonly text: string;
}

/** How often the connection is looked at; a live one costs nothing. */
const lookMs = 2 * secondMs;
/** A connection that is not there by then is told as lost; the client goes on trying. */
const patienceMs = 3 * secondMs;

export interface LiveVaultDeps {
  readonly account: Account;
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
  readonly #running: Promise<unknown>;

  constructor(deps: LiveVaultDeps) {
    this.#deps = deps;
    this.#running = Promise.all([this.#follow(), this.#look()]);
  }

  /** This program changed the vault itself. */
  touch(): void {
    this.changes.update((number) => number + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new CofferError('CANCELLED', 'closed'));
    await this.#running;
  }

  async #follow(): Promise<void> {
    const { vault, clock, onProblem } = this.#deps;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        for await (const _ of vault.watch(signal)) {
          const { before, after } = await vault.pull(signal);
          if (after !== before) this.touch();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) onProblem(error);
        await clock.sleep(lookMs, signal).catch(() => undefined);
      }
    }
  }

  async #look(): Promise<void> {
    const { account, clock } = this.#deps;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      const problem = await account.connect(AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (signal.aborted) return;
      this.connection.set(this.#told(problem));
      await clock.sleep(lookMs, signal).catch(() => undefined);
    }
  }

  /** The same object while nothing changes, so that nothing is drawn. */
  #told(problem: unknown): ConnectionState {
    const text = problem === undefined ? 'online' : isPassing(problem) ? 'offline, trying' : messageOf(problem);
    const { state } = this.connection;
    return state.text === text ? state : { isOnline: problem === undefined, text };
  }
}

/** What goes by itself: the server is away, or slow. */
function isPassing(error: unknown): boolean {
  if (error instanceof DOMException) return true;
  return isCofferError(error, 'UNREACHABLE', 'TIMEOUT', 'SHUTTING_DOWN', 'BUSY', 'CANCELLED');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
