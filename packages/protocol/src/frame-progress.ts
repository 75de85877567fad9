import type { ProtocolLimits } from './limits.ts';

/**
 * The deadline of the frame under way (PROTOCOL §Limits): within `frameMs` it is complete or has grown by what
 * `frameBytesPerSecond` demands, again and again. A peer that drips is not served for ever. Pure: times come in.
 */
export class FrameProgress {
  readonly #limits: Pick<ProtocolLimits, 'frameMs' | 'frameBytesPerSecond'>;
  #mark: { readonly atMs: number; readonly receivedBytes: number } | undefined;

  constructor(limits: Pick<ProtocolLimits, 'frameMs' | 'frameBytesPerSecond'>) {
    this.#limits = limits;
  }

  /** When the peer will have been too slow, or `undefined` between frames. */
  get dueMs(): number | undefined {
    return this.#mark === undefined ? undefined : this.#mark.atMs + this.#limits.frameMs;
  }

  /** After every piece: `completed` when it finished a frame, `midFrame` when another has begun. */
  received(now: { readonly atMs: number; readonly receivedBytes: number }, state: FrameState): void {
    const wantedBytes = (this.#limits.frameMs / 1000) * this.#limits.frameBytesPerSecond;
    const grown = this.#mark !== undefined && now.receivedBytes - this.#mark.receivedBytes >= wantedBytes;
    if (!state.midFrame) this.#mark = undefined;
    else if (this.#mark === undefined || state.completed || grown) this.#mark = now;
  }

  /** Nothing is read for a reason of our own: the time does not count against the peer. */
  paused(): void {
    this.#mark = undefined;
  }
}

export interface FrameState {
  readonly midFrame: boolean;
  readonly completed: boolean;
}
