import { CofferError, fromUtf8, hourMs, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { readAuditLine } from '@coffer/client';
import type { AuditCategory, AuditLine, LoggedLine, ServerWatch } from '@coffer/client';
import { Store } from '../app/store.ts';
import { isPassing } from './passing.ts';

/** Which lines are wanted. */
export interface LogWanted {
  /** Undefined: all. */
  readonly category: AuditCategory | undefined;
  readonly username: string | undefined;
}

export interface LogState {
  readonly wanted: LogWanted;
  /** Oldest first, the last of them; a text for what is no line. */
  readonly lines: readonly (AuditLine | string)[];
}

/** What is shown at first. */
const backMs = 24 * hourMs;
/** As many lines as anybody scrolls through: the command shows all. */
const keptLines = 2000;
/** Lines arrive in pages: drawn together. */
const drawMs = 50;
const retryMs = 2 * secondMs;

export interface ServerLogDeps {
  readonly watch: ServerWatch;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
}

/** The server's log as it is written, while somebody looks. */
export class ServerLog implements AsyncDisposable {
  readonly store = new Store<LogState>({ wanted: { category: undefined, username: undefined }, lines: [] });
  readonly #deps: ServerLogDeps;
  #following: { readonly controller: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(deps: ServerLogDeps) {
    this.#deps = deps;
  }

  /** Begins anew when something else is wanted than before; goes on otherwise. */
  follow(wanted: LogWanted = this.store.state.wanted): void {
    if (this.#following !== undefined && wanted === this.store.state.wanted) return;
    this.stop();
    this.store.set({ wanted, lines: [] });
    const controller = new AbortController();
    this.#following = { controller, ended: this.#follow(wanted, controller.signal) };
  }

  stop(): void {
    this.#following?.controller.abort(new CofferError('CANCELLED', 'not in sight'));
    this.#following = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#following?.ended;
    this.stop();
    await ended;
  }

  async #follow({ category, username }: LogWanted, signal: AbortSignal): Promise<void> {
    const { watch, clock, onProblem } = this.#deps;
    const about = { categories: category === undefined ? [] : [category], username, follow: true };
    while (!signal.aborted) {
      // What was missed while the server was away is read anew.
      this.store.update((state) => ({ ...state, lines: [] }));
      try {
        await this.#take(watch.logs({ ...about, sinceMs: clock.nowMs() - backMs }, signal), signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) return onProblem(error);
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  async #take(lines: AsyncIterable<LoggedLine>, signal: AbortSignal): Promise<void> {
    let fresh: (AuditLine | string)[] = [];
    let drawing: Promise<void> | undefined;
    const draw = async (): Promise<void> => {
      await this.#deps.clock.sleep(drawMs, signal).catch(() => undefined);
      drawing = undefined;
      if (signal.aborted) return;
      const more = fresh;
      fresh = [];
      this.store.update((state) => ({ ...state, lines: [...state.lines, ...more].slice(-keptLines) }));
    };
    for await (const line of lines) {
      fresh.push(lineOf(line));
      if (fresh.length > keptLines) fresh.shift();
      drawing ??= draw();
    }
  }
}

function lineOf({ bytes, names }: LoggedLine): AuditLine | string {
  const text = textOf(bytes);
  const nameOf = (id: string): string => names.get(id) ?? id.slice(0, 8);
  return readAuditLine(text, nameOf) ?? text;
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}
