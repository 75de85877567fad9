/** Ids remembered at most; the oldest half is forgotten then, and the server sorts out what is sent twice. */
const maxIds = 500_000;

/** Ids that were sent, or are being sent, in this run. */
export class SentChunks {
  #newer = new Set<string>();
  #older = new Set<string>();

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }

  /** True when the id was not there yet. */
  add(key: string): boolean {
    if (this.#newer.has(key) || this.#older.has(key)) return false;
    this.#newer.add(key);
    if (this.#newer.size < maxIds / 2) return true;
    this.#older = this.#newer;
    this.#newer = new Set();
    return true;
  }
}
