import type { Clock } from '@coffer/core';
import type { Phase } from './legal-order.ts';
import type { ProtocolLimits } from './limits.ts';
import type { Deadline } from './watchdog.ts';

/** How long a session may take to be proved, rest, and live (PROTOCOL §Session). Times are monotonic. */
export class SessionDeadlines {
  readonly #clock: Clock;
  readonly #limits: ProtocolLimits;
  readonly #startedMs: number;
  #proveByMs: number | undefined;
  #activeMs: number;
  #loggedIn = false;
  #over = false;

  constructor({ clock, limits }: { readonly clock: Clock; readonly limits: ProtocolLimits }) {
    this.#clock = clock;
    this.#limits = limits;
    this.#startedMs = clock.monotonicMs();
    this.#activeMs = this.#startedMs;
    this.#proveByMs = this.#startedMs + limits.authenticationMs;
  }

  /** The client did something; PONGs are none of its doing. */
  active(): void {
    this.#activeMs = this.#clock.monotonicMs();
  }

  /** Since the client did something. */
  get restedMs(): number {
    return this.#clock.monotonicMs() - this.#activeMs;
  }

  /** May be told of the same phase again. */
  entered(phase: Phase): void {
    if (phase === 'loggedIn' && !this.#loggedIn) {
      this.#loggedIn = true;
      this.#proveByMs = this.#clock.monotonicMs() + this.#limits.enrolmentMs;
    }
    if (phase === 'proved') this.#proveByMs = undefined;
  }

  /** `busy` tells whether a request is being worked on: then the session does not rest. */
  watched(on: {
    readonly busy: () => boolean;
    readonly unproved: () => void;
    readonly over: (reason: string) => void;
  }): readonly Deadline[] {
    const over = (reason: string) => () => {
      this.#over = true;
      on.over(reason);
    };
    return [
      { dueMs: () => this.#proveByMs, act: on.unproved },
      {
        dueMs: () => (on.busy() ? undefined : this.#unlessOver(this.#activeMs + this.#limits.idleMs)),
        act: over('idle'),
      },
      { dueMs: () => this.#unlessOver(this.#startedMs + this.#limits.lifetimeMs), act: over('the session is old') },
    ];
  }

  #unlessOver(dueMs: number): number | undefined {
    return this.#over ? undefined : dueMs;
  }
}
