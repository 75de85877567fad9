import type { FrameSizes } from './frame-decoder.ts';
import { mayRequest, phaseAfter, phaseAfterFailure, type Phase } from './legal-order.ts';
import type { ProtocolLimits } from './limits.ts';
import type { OperationName } from './operations/table.ts';

/** How far a session has come, and what it allows; kept alike by both sides. */
export class SessionState {
  readonly #limits: ProtocolLimits;
  #phase: Phase = 'connected';
  #known = false;

  constructor(limits: ProtocolLimits) {
    this.#limits = limits;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** True once the peer was somebody; it stays so, since answers may still be on their way. */
  get known(): boolean {
    return this.#known;
  }

  /** The largest frames that are accepted (PROTOCOL §Limits): a stranger gets a page, and no DATA. */
  get sizes(): FrameSizes {
    return {
      controlBytes: this.#known ? this.#limits.controlFrameBytes : this.#limits.strangerFrameBytes,
      dataBytes: this.#phase === 'proved' ? this.#limits.dataFrameBytes : 0,
    };
  }

  /** How many streams may be in flight: a stranger has one. */
  get streams(): number {
    return this.#known ? this.#limits.streams : 1;
  }

  mayRequest(op: OperationName): boolean {
    return mayRequest(this.#phase, op);
  }

  succeeded(op: OperationName): void {
    this.#enter(phaseAfter(this.#phase, op));
  }

  failed(op: OperationName): void {
    this.#enter(phaseAfterFailure(this.#phase, op));
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#known ||= phase === 'loggedIn' || phase === 'proved';
  }
}
