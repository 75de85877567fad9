import { formatSize, secondMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Output } from './output.ts';

export interface ProgressState {
  /** What is going on: `scanning`, `uploading`. */
  readonly phase: string;
  readonly filesDone: number;
  readonly filesTotal?: number;
  readonly bytesDone: number;
  readonly bytesTotal?: number;
  /** As measured by the work itself; without it the average since the start counts. */
  readonly bytesPerSecond?: number;
}

/** Often enough to look alive, seldom enough to cost nothing. */
const redrawMs = 100;

/** One line on the terminal that follows long work: phase, files, bytes, rate, what is left. Silent off a terminal. */
export class Progress implements Disposable {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  update(state: ProgressState): void {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#output.showsProgress || nowMs - this.#drawnMs < redrawMs) return;
    this.#drawnMs = nowMs;
    this.#drawn = true;
    this.#output.status(progressLine(state, nowMs - this.#startedMs).slice(0, this.#output.columns - 1));
  }

  [Symbol.dispose](): void {
    if (this.#drawn) this.#output.status('');
    this.#drawn = false;
  }
}

/** The line for a state after `elapsedMs`. */
export function progressLine(state: ProgressState, elapsedMs: number): string {
  const { filesTotal, bytesTotal } = state;
  const average = elapsedMs > 0 ? (state.bytesDone * 1000) / elapsedMs : 0;
  const perSecond = state.bytesPerSecond ?? average;
  const files = filesTotal === undefined ? `${state.filesDone} files` : `${state.filesDone}/${filesTotal} files`;
  const parts = [state.phase, files];
  if (bytesTotal !== undefined && bytesTotal > 0) {
    const percent = Math.min(100, Math.floor((state.bytesDone * 100) / bytesTotal));
    parts.push(`${formatSize(state.bytesDone)} of ${formatSize(bytesTotal)}`, `${percent}%`);
  } else if (state.bytesDone > 0) parts.push(formatSize(state.bytesDone));
  if (elapsedMs > 1000 && perSecond > 0) parts.push(`${formatSize(perSecond)}/s`);
  if (bytesTotal !== undefined && elapsedMs > 2000 && perSecond > 0 && bytesTotal > state.bytesDone) {
    parts.push(`${formatSpan(((bytesTotal - state.bytesDone) * secondMs) / perSecond)} left`);
  }
  return parts.join('  ');
}

/** `42 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatSpan(ms: number): string {
  const whole = Math.max(0, Math.round(ms / secondMs));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}
