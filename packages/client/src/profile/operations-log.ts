import { appendFileSync, renameSync, statSync } from 'node:fs';
import { MiB, type Clock } from '@coffer/core';

export type OperationAction =
  | 'put'
  | 'get'
  | 'mkdir'
  | 'move'
  | 'copy'
  | 'remove'
  | 'restore'
  | 'attributes'
  | 'conflict'
  | 'login'
  | 'logout';

export interface OperationRecord {
  readonly action: OperationAction;
  /** Path in the vault, as shown to people. */
  readonly path?: string;
  readonly to?: string;
  readonly bytes?: number;
  readonly seq?: number;
  readonly error?: string;
}

/** One file of this size and the one before it are kept. */
const maxBytes = 8 * MiB;

/** Lines are gathered up to this size: one write per file would cost more than the file. */
const gatherBytes = 64 * 1024;

/** The client's own log with paths (STORAGE §Audit): JSON lines, 0600, size-bounded, never sent anywhere. */
export class OperationsLog implements Disposable {
  readonly #path: string;
  readonly #clock: Clock;
  #lines: string[] = [];
  #gathered = 0;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  record(record: OperationRecord): void {
    const line = `${JSON.stringify({ at: new Date(this.#clock.nowMs()).toISOString(), ...record })}\n`;
    this.#lines.push(line);
    this.#gathered += line.length;
    if (this.#gathered >= gatherBytes) this.flush();
  }

  /** Never throws: a full disk must not stop the work that is logged. */
  flush(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#gathered = 0;
    if (text === '') return;
    try {
      this.#rotate();
      appendFileSync(this.#path, text, { mode: 0o600 });
    } catch {
      // Dropped: see above.
    }
  }

  [Symbol.dispose](): void {
    this.flush();
  }

  #rotate(): void {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (size >= maxBytes) renameSync(this.#path, `${this.#path}.1`);
  }
}
