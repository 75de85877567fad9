import { CofferError, hourMs, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { auditLineText, readAuditLine } from '@coffer/client';
import type { AuditCategory, AuditLine, LoggedLine, ServerWatch } from '@coffer/client';
import { Store } from '../app/store.ts';
import { isPassing } from './passing.ts';

/** Which lines are wanted. */
export interface LogWanted {
  /** Undefined: all. */
  readonly category: AuditCategory | undefined;
  readonly username: string | undefined;
}

/** Whether the lines can be believed to be all there is. */
export type LogPhase =
  | { readonly kind: 'loading' }
  | { readonly kind: 'following' }
  | { readonly kind: 'ended'; readonly why: string };

export interface LogState {
  readonly phase: LogPhase;
  readonly wanted: LogWanted;
  /** Oldest first, the last of them; a text for what is no line. */
  readonly lines: readonly LoggedText[];
}

/** A line of the log in parts, or a text for what is no line; each is an object of its own. */
export type LoggedText = AuditLine | { readonly text: string };

/** What is shown at first. */
const backMs = 24 * hourMs;
/** As many lines as anybody scrolls through: the command shows all. */
const keptLines = 2000;
/** Lines arrive in pages: drawn together. */
const drawMs = 50;
const retryMs = 2 * secondMs;
/** More of one field is not shown: the command shows all. */
const shownCharacters = 1000;

export interface ServerLogDeps {
  readonly watch: ServerWatch;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
}

/** The server's log as it is written, while somebody looks. */
export class ServerLog implements AsyncDisposable {
  readonly store = new Store<LogState>({
    phase: { kind: 'loading' },
    wanted: { category: undefined, username: undefined },
    lines: [],
  });
  readonly #deps: ServerLogDeps;
  #following: { readonly controller: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(deps: ServerLogDeps) {
    this.#deps = deps;
  }

  /** Begins anew when something else is wanted than before; goes on otherwise. */
  follow(wanted: LogWanted = this.store.state.wanted): void {
    if (this.#following !== undefined && wanted === this.store.state.wanted) return;
    this.stop();
    // What was seen of the same lines stays until they are read anew.
    const lines = wanted === this.store.state.wanted ? this.store.state.lines : [];
    this.store.set({ phase: { kind: 'loading' }, wanted, lines });
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
      try {
        // What was missed while the server was away is read anew.
        const page = new LogReading(this.store, { clock, signal });
        const asked = { ...about, sinceMs: clock.nowMs() - backMs, onCaughtUp: () => page.caughtUp() };
        for await (const line of watch.logs(asked, signal)) page.add(lineOf(line));
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) {
          this.#setPhase({ kind: 'ended', why: error instanceof Error ? error.message : String(error) });
          return onProblem(error);
        }
        this.#setPhase({ kind: 'loading' });
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  #setPhase(phase: LogPhase): void {
    this.store.update((state) => ({ ...state, phase }));
  }
}

/** Lines as they arrive, drawn together; the first of them take the place of what was shown before. */
class LogReading {
  readonly #store: Store<LogState>;
  readonly #deps: { readonly clock: Clock; readonly signal: AbortSignal };
  #fresh: LoggedText[] = [];
  #isFirst = true;
  #isCaughtUp = false;
  #isDrawing = false;

  constructor(store: Store<LogState>, deps: { readonly clock: Clock; readonly signal: AbortSignal }) {
    this.#store = store;
    this.#deps = deps;
  }

  add(line: LoggedText): void {
    this.#fresh.push(line);
    if (this.#fresh.length > keptLines) this.#fresh.shift();
    void this.#draw();
  }

  /** Everything that was written until now was added. */
  caughtUp(): void {
    this.#isCaughtUp = true;
    void this.#draw();
  }

  async #draw(): Promise<void> {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    const { clock, signal } = this.#deps;
    await clock.sleep(drawMs, signal).catch(() => undefined);
    this.#isDrawing = false;
    if (signal.aborted) return;
    const [more, isFirst] = [this.#fresh, this.#isFirst];
    [this.#fresh, this.#isFirst] = [[], false];
    const phase: LogPhase = { kind: this.#isCaughtUp ? 'following' : 'loading' };
    this.#store.update((state) => ({
      ...state,
      phase,
      lines: [...(isFirst ? [] : state.lines), ...more].slice(-keptLines),
    }));
  }
}

function lineOf({ bytes, names }: LoggedLine): LoggedText {
  const text = auditLineText(bytes);
  const nameOf = (id: string): string => names.get(id) ?? id.slice(0, 8);
  const line = readAuditLine(text, nameOf);
  if (line === undefined) return { text: cut(text) };
  const { at, category, event, status, who, address, rest } = line;
  return {
    at: typeof at === 'number' ? at : cut(at),
    category: cut(category),
    event: cut(event),
    status: cut(status),
    who: cut(who),
    address: cut(address),
    rest: rest.map(cut),
  };
}

function cut(text: string): string {
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`;
}
