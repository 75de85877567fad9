/** A piece of memory that two threads see; whoever has it at the moment is agreed by messages. */
export interface SharedSlot {
  readonly index: number;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** How a message names a slot: with its memory the first time. */
export interface SlotRef {
  readonly index: number;
  readonly memory: SharedArrayBuffer | undefined;
}

/**
 * Memory for what goes from thread to thread. Transferring arrays instead would make each thread allocate a megabyte for
 * every megabyte of a file: the collector then ran every 10 MiB, and took a fifth of the processor.
 */
export class SharedSlots {
  readonly #sizes: readonly number[];
  readonly #free: SharedSlot[][];
  readonly #known = new Set<number>();
  #count = 0;

  /** `sizes`: bytes of each kind of slot, ascending. */
  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
    this.#free = sizes.map(() => []);
  }

  /** The smallest kind that holds `bytes`. How many are out at a time is the caller's to bound. @throws RangeError when none does */
  take(bytes: number): SharedSlot {
    const kind = this.#sizes.findIndex((size) => size >= bytes);
    const size = this.#sizes[kind];
    if (size === undefined) throw new RangeError(`no slot holds ${bytes} bytes`);
    return this.#free[kind]?.pop() ?? { index: this.#count++, bytes: new Uint8Array(new SharedArrayBuffer(size)) };
  }

  free(slot: SharedSlot): void {
    this.#free[this.#sizes.indexOf(slot.bytes.byteLength)]?.push(slot);
  }

  /** For a message to the other thread. */
  ref({ index, bytes }: SharedSlot): SlotRef {
    const isNew = !this.#known.has(index);
    this.#known.add(index);
    return { index, memory: isNew ? bytes.buffer : undefined };
  }
}

/** The other thread's side: the memory behind {@link SlotRef}s. */
export class KnownSlots {
  readonly #slots: Uint8Array<SharedArrayBuffer>[] = [];

  /** @throws TypeError for a slot that was never introduced */
  bytes({ index, memory }: SlotRef): Uint8Array<SharedArrayBuffer> {
    if (memory !== undefined) this.#slots[index] = new Uint8Array(memory);
    const bytes = this.#slots[index];
    if (bytes === undefined) throw new TypeError('a slot was named before it was shown');
    return bytes;
  }
}
