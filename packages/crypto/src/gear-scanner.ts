import { bytesAt, gearCode, memoryBytes, tableAt } from './gear-code.ts';
import { gearTable, gearWindowBytes } from './gear.ts';

export interface ScanRange {
  readonly bytes: Uint8Array;
  /** First end offset that may be a cut; 32 or more. */
  readonly from: number;
  /** Last one. */
  readonly to: number;
}

/** Finds cuts: the gear hash proposes, `accepts` decides. Holds 128 KiB of memory. */
export class GearScanner {
  readonly #memory: Uint8Array;
  readonly #scan: (end: number, last: number) => number;

  constructor() {
    const { memory, scan } = instantiate();
    this.#memory = new Uint8Array(memory.buffer);
    this.#scan = scan;
    new Int32Array(memory.buffer, tableAt, gearTable.length).set(gearTable);
  }

  /** The first end offset in the range that is a candidate and accepted, or -1. */
  find({ bytes, from, to }: ScanRange, accepts: (end: number) => boolean): number {
    for (let first = from; first <= to; first += blockEnds) {
      const last = Math.min(to, first + blockEnds - 1);
      this.#memory.set(bytes.subarray(first - gearWindowBytes, last), bytesAt);
      const found = this.#findInBlock({ first, last }, accepts);
      if (found >= 0) return found;
    }
    return -1;
  }

  #findInBlock(
    { first, last }: { readonly first: number; readonly last: number },
    accepts: (end: number) => boolean,
  ): number {
    /** What to add to an offset in the memory to get one in the caller's bytes. */
    const shift = first - gearWindowBytes - bytesAt;
    for (let next = first; next <= last;) {
      const end = this.#scan(next - shift, last - shift);
      if (end < 0) return -1;
      if (accepts(end + shift)) return end + shift;
      next = end + shift + 1;
    }
    return -1;
  }
}

/** End offsets examined per copy into the memory. */
const blockEnds = memoryBytes - bytesAt - gearWindowBytes;

interface GearExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly scan: (end: number, last: number) => number;
}

/** What this file needs of the standard global, which only the DOM's type declarations have. */
interface WebAssemblyApi {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

function instantiate(): GearExports {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
  return new WebAssembly.Instance(new WebAssembly.Module(gearCode())).exports as GearExports;
}
