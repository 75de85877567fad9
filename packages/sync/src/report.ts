import type { CofferError, ErrorCode } from '@coffer/core';
import { showPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import type { Plan } from './plan.ts';

/** One path that was reported. */
export interface ReportedError {
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * What a run did, with exactly the fields of CLI §Sync. Counts are of files; directories and symlinks go along uncounted, but
 * for `removed` and `moved`, which count symlinks too, and a renamed directory counts as one move.
 */
export interface SyncReport {
  /** New files uploaded. */
  readonly sent: number;
  /** Changed files uploaded. */
  readonly modified: number;
  /** Removed from the vault. */
  readonly removed: number;
  readonly received: number;
  readonly receivedModified: number;
  readonly receivedRemoved: number;
  /** Renamed or moved on the side that follows, without sending content. */
  readonly moved: number;
  /** Files with the same content on both sides. */
  readonly unchanged: number;
  readonly conflicts: number;
  /** Chunks that the server had lost, and that were sent again from files that still hold them. */
  readonly healed: number;
  /** Paths that could not be handled; the rest is done. */
  readonly failed: number;
  /** Plain bytes read from local files. */
  readonly bytesRead: number;
  /** Sealed bytes sent and received. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly elapsedMs: number;
  /** What failed, and what was skipped because no vault can hold it (which is not counted in `failed`). */
  readonly errors: readonly ReportedError[];
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** Names of errors kept in a report; the count goes on. A run over a broken disk must not fill the memory. */
const maxErrors = 10_000;

/** A report while it is made. */
export class ReportDraft {
  readonly counts: Writable<Omit<SyncReport, 'errors' | 'elapsedMs'>> = {
    sent: 0,
    modified: 0,
    removed: 0,
    received: 0,
    receivedModified: 0,
    receivedRemoved: 0,
    moved: 0,
    unchanged: 0,
    conflicts: 0,
    healed: 0,
    failed: 0,
    bytesRead: 0,
    bytesSent: 0,
    bytesReceived: 0,
  };
  readonly #errors: ReportedError[] = [];
  readonly #told = new Set<string>();
  #refused: { readonly path: ByteName; readonly error: CofferError }[] = [];

  /** Once for each path and code, also where it is tried again. */
  fail(path: ByteName, error: CofferError): void {
    if (this.#isTold(path, error)) return;
    this.counts.failed += 1;
    this.#keep(path, error);
  }

  /** Reported, but nothing failed. */
  note(path: ByteName, error: CofferError): void {
    if (!this.#isTold(path, error)) this.#keep(path, error);
  }

  #isTold(path: ByteName, { code }: CofferError): boolean {
    const key = `${code} ${path}`;
    if (this.#told.has(key)) return true;
    if (this.#told.size < maxErrors) this.#told.add(key);
    return false;
  }

  #keep(path: ByteName, error: CofferError): void {
    if (this.#errors.length >= maxErrors) return;
    this.#errors.push({ path: showPath(path), code: error.code, message: error.message });
  }

  /** What a plan itself knows: what is the same, what could not be looked at. */
  take({ counts, problems }: Plan): void {
    this.counts.unchanged += counts.unchanged;
    this.counts.conflicts += counts.conflicts;
    for (const { path, error, failed } of problems) {
      if (failed) this.fail(path, error);
      else this.note(path, error);
    }
  }

  /** Another device was faster; fails unless {@link planAgain} is called before the end. */
  refuse(path: ByteName, error: CofferError): void {
    this.#refused.push({ path, error });
  }

  planAgain(): void {
    this.#refused = [];
  }

  finish(elapsedMs: number): SyncReport {
    for (const { path, error } of this.#refused.splice(0)) this.fail(path, error);
    return { ...this.counts, elapsedMs: Math.round(elapsedMs), errors: [...this.#errors] };
  }
}
