import { decodeMessage, EndMessage } from './messages.ts';
import type { DataShape } from './operations/operation.ts';
import { violation } from './violation.ts';

/** Holds the DATA and END frames of one direction of a stream against what its operation allows (PROTOCOL §Frame). */
export class DataCheck {
  readonly #shape: DataShape | undefined;
  #frames = 0;
  #bytes = 0;
  #ended = false;

  /** Without a shape nothing may come. */
  constructor(shape: DataShape | undefined) {
    this.#shape = shape;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @throws PROTOCOL */
  frame(bytes: number): void {
    const shape = this.#open('DATA');
    if (bytes < shape.minBytes || bytes > shape.maxBytes)
      throw violation(`a DATA frame of ${bytes} bytes does not fit`);
    this.#frames += 1;
    this.#bytes += bytes;
    if (this.#frames > shape.maxFrames) throw violation(`more than ${shape.maxFrames} DATA frames`);
  }

  /** @throws PROTOCOL */
  end(payload: Uint8Array): void {
    this.#open('END');
    const { frames, bytes } = decodeMessage(EndMessage, payload);
    if (frames !== this.#frames || bytes !== this.#bytes) throw violation('END does not match what was received');
    this.#ended = true;
  }

  #open(what: string): DataShape {
    if (this.#shape === undefined) throw violation(`${what} where the operation has none`);
    if (this.#ended) throw violation(`${what} after END`);
    return this.#shape;
  }
}
