import type { Clock } from '@coffer/core';
import type { SyncMode, WatchEvent, WatchState } from '@coffer/sync';
import type { Output } from './output.ts';
import { progressLine } from './progress.ts';
import { safeText } from './safe-text.ts';
import { formatTime } from './time.ts';
import { countsText, failureLines } from './transfer-text.ts';

export interface WatchOutputDeps {
  readonly clock: Clock;
  readonly mode: SyncMode;
}

const transferring = { push: 'uploading', pull: 'downloading', 'two-way': 'syncing' } as const;

const troubles = { offline: 'offline', stuck: 'waiting', polling: 'not watching' } as const;
const endings = { offline: 'the server is back', stuck: 'going on', polling: 'watching again' } as const;

/**
 * What a person or a program reads of a job that is watched: with `--json` one document a line, on a terminal one line that
 * is drawn over, otherwise a line for each run that did something. What went wrong is told once.
 */
export class WatchOutput implements Disposable {
  readonly #output: Output;
  readonly #deps: WatchOutputDeps;
  #line = '';
  #last = '';
  /** Of each job, by its folder below the outer one. */
  readonly #states = new Map<string | undefined, WatchState>();
  #began = { state: '' as WatchState | '', atMs: 0 };

  constructor(output: Output, deps: WatchOutputDeps) {
    this.#output = output;
    this.#deps = deps;
  }

  /** `below`: the folder of a job that is part of the watched one. Of what such a job is at the line says nothing. */
  take(event: WatchEvent, below?: string): void {
    if (this.#output.isJson) return this.#json(event, below);
    const where = below === undefined ? '' : `${safeText(below)}: `;
    switch (event.kind) {
      case 'state':
        return below === undefined ? this.#state(event) : undefined;
      case 'run':
        return this.#run(event, where);
      case 'trouble':
        return this.#above(() => {
          const { message, hint } = event.error;
          const told = hint === undefined ? safeText(message) : `${safeText(message)} (${safeText(hint)})`;
          this.#output.warn(`${troubles[event.state]}: ${where}${told}`);
        });
      case 'over':
        return this.#above(() => this.#output.note(`${where}${endings[event.state]}`));
    }
  }

  /** The line is not left behind. */
  [Symbol.dispose](): void {
    if (this.#line !== '') this.#output.status('');
    this.#line = '';
  }

  #state({ state, progress }: Extract<WatchEvent, { kind: 'state' }>): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#began.state !== state) this.#began = { state, atMs: nowMs };
    const phase = state === 'transferring' ? transferring[this.#deps.mode] : state === 'stuck' ? 'waiting' : state;
    const text = progress === undefined ? phase : progressLine({ ...progress, phase }, nowMs - this.#began.atMs);
    this.#draw(progress === undefined && this.#last !== '' ? `${text}  (${this.#last})` : text);
  }

  #run({ report }: Extract<WatchEvent, { kind: 'run' }>, where: string): void {
    const at = formatTime(this.#deps.clock.nowMs());
    // Of what was not touched nothing was looked at, so how much of it there is would say nothing.
    const counts = countsText({ ...report, unchanged: 0 });
    this.#last = `${at}  ${where}${counts}`;
    this.#above(() => {
      const lines = failureLines(report).map((line) => where + line);
      // On a terminal what was done stands in the line that is drawn over.
      if (!this.#output.showsProgress) lines.push(this.#last);
      if (lines.length > 0) this.#output.result({ json: () => undefined, text: () => lines.join('\n') });
    });
  }

  #draw(text: string): void {
    this.#line = text;
    this.#output.status(text.slice(0, this.#output.columns - 1));
  }

  #above(tell: () => void): void {
    if (this.#line !== '') this.#output.status('');
    tell();
    if (this.#line !== '') this.#draw(this.#line);
  }

  /** Without progress: who wants to know how far it is reads counts of files, not of milliseconds. */
  #json(event: WatchEvent, below: string | undefined): void {
    if (event.kind === 'state' && event.state === this.#states.get(below)) return;
    if (event.kind === 'state') this.#states.set(below, event.state);
    const at = new Date(this.#deps.clock.nowMs()).toISOString();
    this.#output.result({
      json: () => ({ at, event: event.kind, ...(below !== undefined && { below }), ...detailsOf(event) }),
      text: () => '',
    });
  }
}

function detailsOf(event: WatchEvent): Readonly<Record<string, unknown>> {
  if (event.kind === 'run') return { ...event.report };
  if (event.kind !== 'trouble') return { state: event.state };
  const { code, message, hint } = event.error;
  return { state: event.state, code, message: safeText(message), hint: hint ?? null };
}
