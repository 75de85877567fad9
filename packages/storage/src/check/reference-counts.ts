/** Chunks that are counted together: what a page takes at least. */
const pageChunks = 65_536;

/** The largest count that one byte holds. */
const smallCount = 255;

/**
 * How often each chunk is referred to: a byte for each where none is referred to more than 255 times, else four, and nothing
 * for stretches of row numbers that no reference falls into.
 */
export class ReferenceCounts {
  readonly #pages = new Map<number, Uint8Array | Uint32Array>();

  /** `chunk` is the number of its row. */
  add(chunk: number, times: number): void {
    const [key, at] = placeOf(chunk);
    const page = this.#pages.get(key) ?? new Uint8Array(pageChunks);
    const count = (page[at] ?? 0) + times;
    const roomy = count > smallCount && page instanceof Uint8Array ? Uint32Array.from(page) : page;
    roomy[at] = count;
    this.#pages.set(key, roomy);
  }

  of(chunk: number): number {
    const [key, at] = placeOf(chunk);
    return this.#pages.get(key)?.[at] ?? 0;
  }
}

function placeOf(chunk: number): [key: number, at: number] {
  return [Math.floor(chunk / pageChunks), chunk % pageChunks];
}
