/** Counts connections in all and by key (an address, an account). Holds as many keys as there are connections. */
export class ConnectionCounter {
  readonly #byKey = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  countOf(key: string): number {
    return this.#byKey.get(key) ?? 0;
  }

  /** Counts one more; the result takes it back, once. */
  enter(key: string): () => void {
    this.#total += 1;
    this.#byKey.set(key, this.countOf(key) + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#leave(key);
    };
  }

  #leave(key: string): void {
    this.#total -= 1;
    const left = this.countOf(key) - 1;
    if (left > 0) this.#byKey.set(key, left);
    else this.#byKey.delete(key);
  }
}
