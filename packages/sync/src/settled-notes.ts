import type { BaseWriter } from './base.ts';
import { note } from './base-notes.ts';
import type { BaseNote } from './base-notes.ts';

/** Notes that wait for one sync of the disk: about 2 MB of memory, and rarely more than one sync a second. */
const batchSize = 10_000;

/**
 * Tells the base about laid down files only when they are on stable storage, thousands at a time. One sync runs beside the
 * work that goes on.
 */
export class SettledNotes {
  readonly #base: BaseWriter;
  readonly #settle: () => Promise<unknown>;
  #waiting: BaseNote[] = [];
  #settling: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | undefined;

  constructor(base: BaseWriter, settle: () => Promise<unknown>) {
    this.#base = base;
    this.#settle = settle;
  }

  /** @throws what an earlier sync of the disk threw */
  async add(noted: BaseNote): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.reason;
    this.#waiting.push(noted);
    if (this.#waiting.length < batchSize) return;
    await this.#settling;
    this.#begin();
  }

  /** Resolves when everything is stored. @throws what a sync of the disk threw */
  async finish(): Promise<void> {
    await this.#settling;
    if (this.#waiting.length > 0) this.#begin();
    await this.#settling;
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** Several lanes may come here for one full batch: the first takes it. */
  #begin(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) this.#settling = this.#store(batch);
  }

  async #store(batch: readonly BaseNote[]): Promise<void> {
    try {
      await this.#settle();
      for (const noted of batch) note(this.#base, noted);
      this.#base.save();
    } catch (error) {
      this.#failure ??= { reason: error };
    }
  }
}
