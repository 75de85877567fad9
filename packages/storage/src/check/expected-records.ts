import type { IndexedRecord } from './check-index.ts';

/** What the index says lies in a pack, taken in step with a walk through the pack: one row is in memory at a time. */
export class ExpectedRecords implements Disposable {
  readonly #rows: Iterator<IndexedRecord, void, undefined>;
  #next: IndexedRecord | undefined;
  /** Where the furthest record that was taken ends. */
  #takenTo = 0;

  /** `rows` by offset. They are this object's now. */
  constructor(rows: Iterator<IndexedRecord, void, undefined>) {
    this.#rows = rows;
    this.#next = this.#read();
  }

  /** The next one, if it begins at this offset. */
  at(offset: number): IndexedRecord | undefined {
    return this.#next?.offset === offset ? this.#next : undefined;
  }

  /** Takes the next one. */
  take(): void {
    if (!this.#next) return;
    this.#takenTo = Math.max(this.#takenTo, this.#next.offset + this.#next.bytes);
    this.#next = this.#read();
  }

  /** Takes all that begin before the offset; Infinity: all that are left. */
  *before(offset: number): Generator<IndexedRecord, void, undefined> {
    while (this.#next && this.#next.offset < offset) {
      yield this.#next;
      this.take();
    }
  }

  /** True when one of them reaches into these bytes of the pack, up to which the walk has come. */
  reachInto({ offset, bytes }: { readonly offset: number; readonly bytes: number }): boolean {
    return this.#takenTo > offset || (this.#next !== undefined && this.#next.offset < offset + bytes);
  }

  [Symbol.dispose](): void {
    this.#rows.return?.();
  }

  #read(): IndexedRecord | undefined {
    const { done, value } = this.#rows.next();
    return done === true ? undefined : value;
  }
}
