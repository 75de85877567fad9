import { FrameKind, isFrameKind } from './frame-kind.ts';
import { frameHeaderBytes, type Frame, type FrameHeader } from './frame.ts';
import { PayloadParts } from './payload-parts.ts';
import { violation } from './violation.ts';

/** Largest payloads that are accepted at this moment, bytes. */
export interface FrameSizes {
  readonly controlBytes: number;
  readonly dataBytes: number;
}

/**
 * Bytes in, frames out, wherever the bytes were cut. A payload that lies in one piece is a view of it; one that spans
 * pieces is put together once it is there: memory grows with what came and never by what was announced.
 */
export class FrameDecoder {
  readonly #header = new Uint8Array(frameHeaderBytes);
  readonly #headerView = new DataView(this.#header.buffer);
  #headerBytes = 0;
  #frame: FrameHeader | undefined;
  #payloadBytes = 0;
  readonly #parts = new PayloadParts();
  #input: Uint8Array = nothing;
  #offset = 0;
  #sizes: FrameSizes;

  constructor(sizes: FrameSizes) {
    this.#sizes = sizes;
  }

  /** For frames whose header was not read yet. */
  set sizes(sizes: FrameSizes) {
    this.#sizes = sizes;
  }

  /** Bytes held for a frame that is not complete. */
  get heldBytes(): number {
    return this.#parts.heldBytes;
  }

  /** True when some bytes of a frame came, but not all. */
  get midFrame(): boolean {
    return this.#headerBytes > 0;
  }

  /** Gives the next piece; the one before must be used up ({@link next} gave `undefined`). Not copied: do not write to it later. */
  feed(bytes: Uint8Array): void {
    if (this.#offset < this.#input.byteLength) throw new TypeError('the last piece is not used up');
    this.#input = bytes;
    this.#offset = 0;
  }

  /** The next frame, or `undefined` when more bytes are needed. @throws PROTOCOL on a header that version 1 cannot hold; then the decoder is of no more use */
  next(): Frame | undefined {
    if (this.#frame === undefined && !this.#readHeader()) return undefined;
    const payload = this.#readPayload();
    if (payload === undefined) return undefined;
    const { kind, op, stream } = this.#frame as FrameHeader;
    this.#frame = undefined;
    this.#headerBytes = 0;
    return { kind, op, stream, payload };
  }

  #readHeader(): boolean {
    const take = Math.min(frameHeaderBytes - this.#headerBytes, this.#input.byteLength - this.#offset);
    for (let index = 0; index < take; index += 1) {
      this.#header[this.#headerBytes + index] = this.#input[this.#offset + index] as number;
    }
    this.#headerBytes += take;
    this.#offset += take;
    if (this.#headerBytes < frameHeaderBytes) return this.#useUp();
    this.#frame = this.#parseHeader();
    return true;
  }

  #parseHeader(): FrameHeader {
    const payloadBytes = this.#headerView.getUint32(0);
    const kind = this.#headerView.getUint8(4);
    const op = this.#headerView.getUint16(6);
    const stream = this.#headerView.getUint32(8);
    if (!isFrameKind(kind)) throw violation(`frame of unknown kind ${kind}`);
    if (this.#headerView.getUint8(5) !== 0) throw violation('a reserved flag is set');
    if ((op !== 0) !== (kind === FrameKind.request || kind === FrameKind.event)) {
      throw violation('an operation number where none belongs, or none where one belongs');
    }
    if (payloadBytes > this.#sizeOf(kind)) throw violation(`frame of ${payloadBytes} bytes is too large here`);
    this.#payloadBytes = payloadBytes;
    return { kind, op, stream };
  }

  #sizeOf(kind: FrameKind): number {
    return kind === FrameKind.data ? this.#sizes.dataBytes : this.#sizes.controlBytes;
  }

  #readPayload(): Uint8Array | undefined {
    const wanted = this.#payloadBytes - this.#parts.bytes;
    const available = this.#input.byteLength - this.#offset;
    if (this.#parts.bytes === 0 && available >= wanted) return this.#view(wanted);
    this.#parts.add(this.#view(Math.min(wanted, available)));
    if (available >= wanted) return this.#parts.join();
    this.#useUp();
    return undefined;
  }

  #view(bytes: number): Uint8Array {
    const view = new Uint8Array(this.#input.buffer, this.#input.byteOffset + this.#offset, bytes);
    this.#offset += bytes;
    return view;
  }

  #useUp(): false {
    this.#input = nothing;
    this.#offset = 0;
    return false;
  }
}

const nothing = new Uint8Array(0);
