import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MiB } from './units.ts';

type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

let collect: Collect | undefined;

export interface GarbageCollectorOptions {
  /** How much may pass between two collections; what a thread holds for nothing at most. */
  readonly everyBytes: number;
  /** `young`: less than a millisecond. `all`: milliseconds for every ten MiB that live; for threads that nobody waits for. */
  readonly what: 'young' | 'all';
}

/**
 * Frees what lived for one piece of the work. The ciphers, the network and SQLite hand out fresh arrays for every piece, and V8 looks
 * for garbage only after 64 MiB of them, by a collection of the whole heap: each thread then holds 64 MiB for nothing, and a
 * fifth of a transfer's processor time went into looking. Collecting only what is young, often, takes less than a tenth of that.
 */
export class GarbageCollector {
  readonly #everyBytes: number;
  readonly #type: 'minor' | 'major';
  #passedBytes = 0;

  constructor({ everyBytes, what }: GarbageCollectorOptions) {
    this.#everyBytes = everyBytes;
    this.#type = what === 'all' ? 'major' : 'minor';
    keepFreedMemory((collect ??= exposedCollector()));
  }

  /** Tells that arrays of `bytes` in all came and went. */
  passed(bytes: number): void {
    this.#passedBytes += bytes;
    if (this.#passedBytes < this.#everyBytes) return;
    this.#passedBytes = 0;
    collect?.({ type: this.#type });
  }
}

/** Twice what lanes let pass between two collections. */
const keptBytes = 16 * MiB;
let isKept = false;

/**
 * glibc gives memory that was freed back to the kernel once there is more of it than twice the largest block that was ever freed as
 * one (mallopt(3), M_MMAP_THRESHOLD). What a collection frees would go back and be faulted in again, page by page, for the next
 * pieces; one large block, never touched, raises that limit. Other C libraries lose nothing by it.
 */
function keepFreedMemory(collectNow: Collect): void {
  if (isKept) return;
  isKept = true;
  void new ArrayBuffer(keptBytes);
  collectNow({ type: 'minor' });
}

/** The flag belongs to the process and stays: taken back, another thread would find no function at this moment. */
function exposedCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
