import { constants, createZstdCompress, createZstdDecompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { KiB } from '@coffer/core';

/**
 * Makes zstd frames of one level, each of a whole array, with one native context for all of them. `zstdCompressSync` makes a
 * stream and a context for every call and throws them away: 99 µs for a usual source file of 8 KiB, 51 µs with the context kept
 * (`zstdDecompressSync`: 65 and 14 µs). The bytes are the same.
 */
export class ZstdCompressor {
  readonly #level: number;
  readonly #scratch = new Scratch();
  readonly #context: NativeContext | undefined;

  /** `open`: where the native context comes from; a Node that hides it is no less right, only slower. */
  constructor(level: number, open: (options: StreamOptions) => unknown = createZstdCompress) {
    this.#level = level;
    this.#context = NativeContext.of(open({ params: this.#params, chunkSize: leastChunkBytes }));
  }

  /** One frame; it lies in memory that the next call uses again. */
  compress(plain: Uint8Array): Uint8Array {
    const bound = frameBound(plain.byteLength);
    if (this.#context === undefined) return this.#once(plain, bound);
    const room = this.#scratch.room(bound);
    const result = this.#context.run(constants.ZSTD_e_end, plain, room);
    // The room holds any frame of so many bytes, so nothing but a lack of memory ends here.
    if (result === undefined || result.unread > 0) throw new Error('zstd did not compress');
    return room.subarray(0, result.written);
  }

  #once(plain: Uint8Array, bound: number): Uint8Array {
    return zstdCompressSync(plain, { params: this.#params, pledgedSrcSize: plain.byteLength, chunkSize: bound });
  }

  get #params(): Record<number, number> {
    return { [constants.ZSTD_c_compressionLevel]: this.#level };
  }
}

/** Reads zstd frames, with one native context for all of them that are whole. */
export class ZstdDecompressor {
  readonly #scratch = new Scratch();
  readonly #open: (options: StreamOptions) => unknown;
  readonly #params: Record<number, number>;
  #context: NativeContext | undefined;

  /** A frame that asks for a larger window is refused. */
  constructor(
    { windowLogMax }: { readonly windowLogMax: number },
    open: (options: StreamOptions) => unknown = createZstdDecompress,
  ) {
    this.#open = open;
    this.#params = { [constants.ZSTD_d_windowLogMax]: windowLogMax };
  }

  /**
   * What one whole `frame` ({@link isOneZstdFrame}) holds, when that is exactly so many bytes; it lies in memory that the next call
   * uses again.
   */
  decompress(frame: Uint8Array, expectedBytes: number): Uint8Array | undefined {
    this.#context ??= NativeContext.of(this.#open({ params: this.#params, chunkSize: leastChunkBytes }));
    if (this.#context === undefined) return this.#once(frame, expectedBytes);
    // One byte more than expected, so that a frame that holds more is told from one that holds as much.
    const room = this.#scratch.room(expectedBytes + 1);
    const result = this.#context.run(constants.ZSTD_e_continue, frame, room);
    if (result?.unread === 0 && result.written === expectedBytes) return room.subarray(0, expectedBytes);
    // It may stand in the middle of a frame, and would read the next one as the rest of it.
    this.#context.close();
    this.#context = undefined;
    return undefined;
  }

  #once(frame: Uint8Array, expectedBytes: number): Uint8Array | undefined {
    const chunkSize = Math.max(expectedBytes, leastChunkBytes);
    try {
      const plain = zstdDecompressSync(frame, { params: this.#params, maxOutputLength: expectedBytes, chunkSize });
      return plain.byteLength === expectedBytes ? plain : undefined;
    } catch {
      return undefined;
    }
  }
}

interface StreamOptions {
  readonly params: Record<number, number>;
  readonly chunkSize: number;
}

/** zlib's own lower bound of `chunkSize`; the streams here never get to use their buffer. */
const leastChunkBytes = 64;

/** The worst case (ZSTD_compressBound: n + n/256 + 64 B at most), with room to spare. */
function frameBound(plainBytes: number): number {
  return plainBytes + (plainBytes >> 8) + 512;
}

/** What Node's own synchronous functions do their work with: private, so its shape is looked at before it is used. */
interface Handle {
  writeSync(
    flush: number,
    ...from: [input: Uint8Array, offset: number, bytes: number, output: Uint8Array, offset: number, bytes: number]
  ): void;
  close(): void;
}

/** The context behind one of Node's zstd streams, called without the stream. */
class NativeContext {
  readonly #handle: Handle;
  /** Room left and input left after a call. */
  readonly #state: Uint32Array;
  #failed = false;

  private constructor(handle: Handle, state: Uint32Array) {
    this.#handle = handle;
    this.#state = state;
    // The stream's own would end the process with an event that nobody listens to.
    Object.assign(handle, { onerror: () => (this.#failed = true) });
  }

  static of(stream: unknown): NativeContext | undefined {
    const { _handle: handle, _writeState: state } = stream as { _handle?: Partial<Handle>; _writeState?: unknown };
    const isKnown = typeof handle?.writeSync === 'function' && typeof handle.close === 'function';
    return isKnown && state instanceof Uint32Array ? new NativeContext(handle as Handle, state) : undefined;
  }

  /** Undefined when the input is damaged: then the context is of no more use. */
  run(
    flush: number,
    input: Uint8Array,
    output: Uint8Array,
  ): { readonly written: number; readonly unread: number } | undefined {
    this.#handle.writeSync(flush, input, 0, input.byteLength, output, 0, output.byteLength);
    if (this.#failed) return undefined;
    const [roomLeft = 0, unread = 0] = this.#state;
    return { written: output.byteLength - roomLeft, unread };
  }

  close(): void {
    this.#handle.close();
  }
}

/** Memory for one result after the other; as large as the largest needed so far. */
class Scratch {
  #bytes = new Uint8Array(leastScratchBytes);

  room(bytes: number): Uint8Array {
    if (this.#bytes.byteLength < bytes) this.#bytes = new Uint8Array(bytes);
    return this.#bytes.subarray(0, bytes);
  }
}

/** Room for a small file's only chunk from the start. */
const leastScratchBytes = 272 * KiB;
