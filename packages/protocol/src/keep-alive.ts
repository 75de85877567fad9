import { u64 } from '@coffer/core';
import type { ProtocolLimits } from './limits.ts';
import { violation } from './violation.ts';

/** What {@link KeepAlive} needs of its connection. */
export interface KeepAliveLink {
  readonly ping: (payload: Uint8Array) => void;
  readonly pong: (payload: Uint8Array) => Promise<void>;
}

/** Bytes of a PING (PROTOCOL §Frame). */
const pingBytes = 8;

/** One PING at a time, each way: silence is noticed, and pings cannot pile up. Times are monotonic ms. */
export class KeepAlive {
  readonly #limits: Pick<ProtocolLimits, 'pingAfterMs' | 'deadAfterMs'>;
  readonly #link: KeepAliveLink;
  #sent = 0;
  #asked: number | undefined;
  #answering = false;
  #heardMs: number;
  #pingedMs: number;

  constructor(
    link: KeepAliveLink,
    options: { readonly limits: Pick<ProtocolLimits, 'pingAfterMs' | 'deadAfterMs'>; readonly nowMs: number },
  ) {
    this.#link = link;
    this.#limits = options.limits;
    this.#heardMs = options.nowMs;
    this.#pingedMs = options.nowMs;
  }

  /** Any byte of the peer is a sign of life; so is every moment in which we do not listen. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /** When a PING is due; none while one is on its way. */
  get pingDueMs(): number | undefined {
    return this.#asked === undefined ? this.#heardMs + this.#limits.pingAfterMs : undefined;
  }

  /** When the peer counts as dead. */
  get deadDueMs(): number {
    return this.#heardMs + this.#limits.deadAfterMs;
  }

  /** When a PING was last wanted. */
  get pingedMs(): number {
    return this.#pingedMs;
  }

  /** Sends a PING unless one is on its way. */
  ping(nowMs: number): void {
    this.#pingedMs = nowMs;
    if (this.#asked !== undefined) return;
    this.#sent += 1;
    this.#asked = this.#sent;
    this.#link.ping(u64(this.#sent));
  }

  /** @throws PROTOCOL when the payload is not that of a PING, or the one before is not answered yet */
  receivedPing(payload: Uint8Array): void {
    if (payload.byteLength !== pingBytes) throw violation('a PING has 8 bytes');
    if (this.#answering) throw violation('a PING before the answer to the one before');
    this.#answering = true;
    const answered = (): void => {
      this.#answering = false;
    };
    this.#link.pong(payload).then(answered, answered);
  }

  /** @throws PROTOCOL when it answers no PING of ours */
  receivedPong(payload: Uint8Array): void {
    if (this.#asked === undefined || Buffer.compare(payload, u64(this.#asked)) !== 0) {
      throw violation('a PONG that answers no PING');
    }
    this.#asked = undefined;
  }
}
