import { CofferError, isCofferError, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type {
  ServerAdmin,
  ServerAlert,
  ServerInvites,
  ServerRequest,
  ServerSession,
  ServerStatus,
  ServerUser,
} from '@coffer/client';
import { Store } from '../app/store.ts';
import { Refresh } from './refresh.ts';

/** What an administrator's lists hold, as the server said last; undefined until it has answered. */
export interface ServerLists {
  readonly users: readonly ServerUser[] | undefined;
  readonly requests: readonly ServerRequest[] | undefined;
  readonly sessions: readonly ServerSession[] | undefined;
  readonly alerts: readonly ServerAlert[] | undefined;
  readonly invites: ServerInvites | undefined;
  readonly status: ServerStatus | undefined;
}

export type ServerListName = keyof ServerLists;

/** A list in sight is asked for anew that often: what others do at the server shows within that time. */
const lookMs = 2 * secondMs;
/** What is long, or costs the server more, and changes seldom. */
const seldomMs = 30 * secondMs;
const seldom = new Set<ServerListName>(['users', 'status']);

const nothing: ServerLists = {
  users: undefined,
  requests: undefined,
  sessions: undefined,
  alerts: undefined,
  invites: undefined,
  status: undefined,
};

export interface ServerDeskDeps {
  readonly server: ServerAdmin;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
}

/** The server's lists for its administrator: the one in sight is kept up to date. */
export class ServerDesk implements AsyncDisposable {
  readonly store = new Store<ServerLists>(nothing);
  readonly #deps: ServerDeskDeps;
  readonly #refreshes: Readonly<Record<ServerListName, Refresh>>;
  #watching: AbortController | undefined;
  #isDenied = false;
  #mayAsk = true;

  constructor(deps: ServerDeskDeps) {
    this.#deps = deps;
    const { server } = deps;
    const onProblem = (error: unknown): void => this.#onProblem(error);
    const refresh = <Name extends ServerListName>(
      name: Name,
      ask: (signal: AbortSignal) => Promise<ServerLists[Name]>,
    ) => new Refresh(async (signal) => this.#put(name, await ask(signal)), onProblem);
    this.#refreshes = {
      users: refresh('users', (signal) => server.users(signal)),
      requests: refresh('requests', (signal) => server.accounts.requests(signal)),
      sessions: refresh('sessions', (signal) => server.watch.sessions(signal)),
      alerts: refresh('alerts', (signal) => server.watch.alerts(signal)),
      invites: refresh('invites', (signal) => server.accounts.invites(signal)),
      status: refresh('status', (signal) => server.status(signal)),
    };
  }

  /** The server said that this account administers it no more: nothing is asked for until it is tried again. */
  get isDenied(): boolean {
    return this.#isDenied;
  }

  /** Never throws: what does not pass is told as a problem. */
  async refresh(name: ServerListName): Promise<void> {
    if (this.#mayAsk) await this.#refreshes[name].now();
  }

  /** Somebody looks again: perhaps the account may again. */
  tryAgain(): void {
    this.#mayAsk = true;
  }

  /** Keeps one list up to date from now on, and no other; undefined: none. */
  watch(name: ServerListName | undefined): void {
    this.#watching?.abort(new CofferError('CANCELLED', 'not in sight'));
    this.#watching = undefined;
    if (name === undefined) return;
    this.#watching = new AbortController();
    void this.#keepLooking(name, this.#watching.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watch(undefined);
    await Promise.all(Object.values(this.#refreshes).map((one) => one[Symbol.asyncDispose]()));
  }

  async #keepLooking(name: ServerListName, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#mayAsk) {
      await this.refresh(name);
      await this.#deps.clock.sleep(seldom.has(name) ? seldomMs : lookMs, signal).catch(() => undefined);
    }
  }

  #onProblem(error: unknown): void {
    if (!isCofferError(error, 'NOT_ALLOWED')) return this.#deps.onProblem(error);
    // Several were asked for at once: it is told once.
    if (!this.#mayAsk) return;
    this.#mayAsk = false;
    this.#isDenied = true;
    this.store.set(nothing);
    this.#deps.onProblem(error);
  }

  #put<Name extends ServerListName>(name: Name, list: ServerLists[Name]): void {
    this.#isDenied = false;
    this.store.update((lists) => ({ ...lists, [name]: list }));
  }
}
