import type { Clock } from '@coffer/core';

/** How far a run is; for a person who waits. */
export interface SyncProgress {
  readonly phase: 'scanning' | 'transferring' | 'finishing';
  readonly filesDone: number;
  readonly filesTotal: number;
  /** Plain bytes. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Plain bytes per second over the last few seconds; 0 while unknown. */
  readonly bytesPerSecond: number;
}

/** Told at most this often: a terminal shows no more, and each telling costs. */
const intervalMs = 100;

/** Weight of the newest interval in the rate: about three seconds of memory. */
const smoothing = 0.05;

/** Adds up what is done and tells it, sparingly. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #tell: ((progress: SyncProgress) => void) | undefined;
  #phase: SyncProgress['phase'] = 'scanning';
  #totals = { files: 0, bytes: 0 };
  #files = 0;
  #bytes = 0;
  #rate = 0;
  #told = { atMs: 0, bytes: 0 };

  constructor(clock: Clock, tell: ((progress: SyncProgress) => void) | undefined) {
    this.#clock = clock;
    this.#tell = tell;
    this.#told.atMs = clock.monotonicMs();
  }

  enter(phase: SyncProgress['phase'], totals?: { readonly files: number; readonly bytes: number }): void {
    this.#phase = phase;
    if (totals !== undefined) this.#totals = { files: this.#files + totals.files, bytes: this.#bytes + totals.bytes };
    this.#say();
  }

  /** A file is done; its bytes were counted by {@link bytes} or are given here. */
  file(bytes = 0): void {
    this.#files += 1;
    this.bytes(bytes);
  }

  bytes(count: number): void {
    this.#bytes += count;
    if (this.#tell !== undefined && this.#clock.monotonicMs() - this.#told.atMs >= intervalMs) this.#say();
  }

  #say(): void {
    if (this.#tell === undefined) return;
    const atMs = this.#clock.monotonicMs();
    const seconds = (atMs - this.#told.atMs) / 1000;
    const now = seconds > 0 ? (this.#bytes - this.#told.bytes) / seconds : this.#rate;
    this.#rate = this.#rate === 0 ? now : this.#rate + smoothing * (now - this.#rate);
    this.#told = { atMs, bytes: this.#bytes };
    this.#tell({
      phase: this.#phase,
      filesDone: this.#files,
      filesTotal: Math.max(this.#totals.files, this.#files),
      bytesDone: this.#bytes,
      bytesTotal: Math.max(this.#totals.bytes, this.#bytes),
      bytesPerSecond: Math.round(this.#rate),
    });
  }
}
