import { kdf } from '@coffer/core';
import { maxChunkBytes, minChunkBytes } from './chunk-format.ts';
import { FixedHmac } from './fixed-hmac.ts';
import { GearScanner, type ScanRange } from './gear-scanner.ts';
import { findHole, minHoleBytes, zerosBackward, zerosForward } from './zero-runs.ts';

/** One piece of a file: bytes [`start`, `end`) of the buffer given to this call, or a run of zero bytes. */
export type Piece =
  | { readonly kind: 'data'; readonly start: number; readonly end: number }
  | { readonly kind: 'hole'; readonly bytes: number };

export interface Cut {
  readonly pieces: readonly Piece[];
  /** Bytes of the buffer that are done with: the next buffer begins with the byte after them. */
  readonly consumed: number;
}

/** Cuts one file, front to back. */
export interface FileCutter {
  /**
   * `buffer` holds the bytes of the file from the first one not consumed yet; `final` when the file ends with it.
   * Pieces are the same whatever the buffering. A buffer of `cutterBufferBytes` or more always makes progress.
   * A hole may be longer than the buffer: it is reported when it ends.
   */
  cut(buffer: Uint8Array, final: boolean): Cut;
}

/** Cuts the files of one vault (CRYPTO §Chunks *Cutting*). Holds its key; share it between the files of a lane. */
export interface Cutter {
  file(): FileCutter;
}

/** A buffer that always makes progress: the largest chunk, and a run of zeros behind it that may become a hole. */
export const cutterBufferBytes = maxChunkBytes + minHoleBytes;

/** `kCut`: the vault's 32-byte `K_cut`, from its genesis body. */
export function createCutter(kCut: Uint8Array): Cutter {
  if (kCut.byteLength !== 32) throw new RangeError('K_cut has 32 bytes');
  const scanner = new GearScanner();
  const accepts = cutPredicate(kdf(kCut, 'cut'));
  const findCut: FindCut = (range) => scanner.find(range, (end) => accepts(range.bytes, end));
  return { file: () => new OneFile(findCut) };
}

/** The first cut in a range, or -1. */
type FindCut = (range: ScanRange) => number;

/** Bytes before a candidate that the PRF judges. */
const judgedBytes = 64;

/**
 * The PRF takes one candidate in 48: with one candidate per 16 KiB, and none in the first 256 KiB, chunks are 1 MiB on average.
 * A gear table alone would tell an observer of sizes which known file was stored; without the PRF's key nobody can cut as we do.
 */
const acceptBelow = Math.floor(2 ** 32 / 48);

function cutPredicate(key: Uint8Array): (bytes: Uint8Array, end: number) => boolean {
  const prf = new FixedHmac({ key, prefix: new Uint8Array(0), messageBytes: judgedBytes });
  return (bytes, end) => firstU32(prf.mac(bytes.subarray(end - judgedBytes, end))) < acceptBelow;
}

function firstU32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

interface At {
  readonly buffer: Uint8Array;
  readonly final: boolean;
  /** Start of the current piece in the buffer. */
  readonly position: number;
}

/** A stretch without holes from the current position; `closed` when a hole or the end of the file follows. */
interface Extent {
  readonly end: number;
  readonly closed: boolean;
}

class OneFile implements FileCutter {
  readonly #findCut: FindCut;
  /** Nothing was decided yet: the file may turn out to be one small chunk. */
  #untouched = true;
  /** Zero bytes consumed that belong to a hole not reported yet. */
  #holeBytes = 0;
  /** Bytes from the start of the current piece in which no cut is. */
  #scanned = 0;
  /** Bytes from the start of the current piece in which no hole starts. */
  #clear = 0;

  constructor(findCut: FindCut) {
    this.#findCut = findCut;
  }

  cut(buffer: Uint8Array, final: boolean): Cut {
    if (this.#untouched && buffer.byteLength <= minChunkBytes) return final ? wholeFile(buffer) : nothingYet;
    this.#untouched = false;
    const pieces: Piece[] = [];
    let position = 0;
    while (position < buffer.byteLength) {
      const end = this.#next({ buffer, final, position }, pieces);
      if (end === undefined) break;
      position = end;
    }
    if (final) this.#endHole(pieces);
    return { pieces, consumed: position };
  }

  /** Finishes one piece, or a part of a hole; `undefined` when more bytes are needed. */
  #next(at: At, pieces: Piece[]): number | undefined {
    if (this.#holeBytes > 0) return this.#continueHole(at, pieces);
    const extent = this.#extent(at);
    if (extent.end === at.position && extent.closed) return this.#beginHole(at);
    const end = this.#chunkEnd(at, extent);
    if (end === undefined) return undefined;
    pieces.push({ kind: 'data', start: at.position, end });
    this.#clear = Math.max(0, this.#clear - (end - at.position));
    this.#scanned = 0;
    return end;
  }

  #beginHole({ position }: At): number {
    this.#holeBytes = minHoleBytes;
    return position + minHoleBytes;
  }

  #continueHole({ buffer, position }: At, pieces: Piece[]): number {
    const zeros = zerosForward(buffer, position, buffer.byteLength);
    this.#holeBytes += zeros;
    // Zeros up to the end of the buffer may go on in the next one.
    if (position + zeros < buffer.byteLength) this.#endHole(pieces);
    return position + zeros;
  }

  #endHole(pieces: Piece[]): void {
    if (this.#holeBytes > 0) pieces.push({ kind: 'hole', bytes: this.#holeBytes });
    this.#holeBytes = 0;
    this.#clear = 0;
  }

  #extent({ buffer, final, position }: At): Extent {
    const from = position + this.#clear;
    const limit = Math.min(buffer.byteLength, position + maxChunkBytes + minHoleBytes);
    const hole = findHole(buffer, from, limit);
    if (hole >= 0) {
      this.#clear = hole - position;
      return { end: hole, closed: true };
    }
    if (final && limit === buffer.byteLength) return { end: limit, closed: true };
    // Zeros at the end may grow into a hole; what stands before them is certain.
    const end = limit - zerosBackward(buffer, from, limit);
    this.#clear = end - position;
    return { end, closed: false };
  }

  #chunkEnd({ buffer, position }: At, extent: Extent): number | undefined {
    const farthest = Math.min(extent.end, position + maxChunkBytes);
    const from = position + Math.max(minChunkBytes, this.#scanned + 1);
    const end = this.#findCut({ bytes: buffer, from, to: farthest });
    if (end >= 0) return end;
    this.#scanned = Math.max(this.#scanned, farthest - position);
    return farthest === position + maxChunkBytes || extent.closed ? farthest : undefined;
  }
}

const nothingYet: Cut = { pieces: [], consumed: 0 };

/** Files up to 256 KiB are one chunk, whatever is in them; an empty one has none. */
function wholeFile({ byteLength }: Uint8Array): Cut {
  return { pieces: byteLength === 0 ? [] : [{ kind: 'data', start: 0, end: byteLength }], consumed: byteLength };
}
