import { MiB } from '@coffer/core';
import { maxSealedChunkBytes } from '@coffer/crypto';
import { SharedSlots } from './shared-slots.ts';
import type { SharedSlot, SlotRef } from './shared-slots.ts';

/** Sealed chunks are handed over from here on; small files fill it together. */
const handOverBytes = MiB;
/** Most chunks fit behind others into the small kind; the larger ones get a slot of the other. */
const slotSizes = [MiB + 256 * 1024, maxSealedChunkBytes + 32];

/** Chunks sealed one behind the other, each `id ‖ sealed`. */
export interface SealedBuffer {
  readonly slot: SharedSlot;
  used: number;
  readonly ends: number[];
}

/** Memory that sealed chunks leave a lane in. At most `limitBytes` of it is away, so a slow network slows reading down. */
export class SealedBuffers {
  readonly #limitBytes: number;
  readonly #slots = new SharedSlots(slotSizes);
  readonly #away = new Map<number, { readonly slot: SharedSlot; readonly used: number }>();
  #awayBytes = 0;
  #current: SealedBuffer | undefined;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isEmpty(): boolean {
    return this.#current === undefined;
  }

  get isFull(): boolean {
    return this.#current !== undefined && this.#current.used >= handOverBytes;
  }

  /** Where `bytes` more fit behind what is there; undefined when the buffer must be handed over, or one come back, first. */
  room(bytes: number): SealedBuffer | undefined {
    const current = this.#current;
    if (current !== undefined) return current.used + bytes <= current.slot.bytes.byteLength ? current : undefined;
    if (this.#awayBytes > 0 && this.#awayBytes + bytes > this.#limitBytes) return undefined;
    this.#current = { slot: this.#slots.take(bytes), used: 0, ends: [] };
    return this.#current;
  }

  /** What to hand over; from now on its bytes count as away, until {@link recycle}. */
  take(): { readonly ref: SlotRef; readonly ends: readonly number[] } | undefined {
    const taken = this.#current;
    if (taken === undefined) return undefined;
    const { slot, used, ends } = taken;
    this.#current = undefined;
    this.#away.set(slot.index, { slot, used });
    this.#awayBytes += used;
    return { ref: this.#slots.ref(slot), ends };
  }

  recycle(index: number): void {
    const away = this.#away.get(index);
    if (away === undefined) return;
    this.#away.delete(index);
    this.#awayBytes -= away.used;
    this.#slots.free(away.slot);
  }
}
