import { hourMs, secondMs, type Clock } from '@coffer/core';

/** Names and addresses remembered at once; the least recently failing is forgotten first. 10,000 records are about 2 MiB. */
const maxKeys = 10_000;
/** The first delay past the limit; it doubles with every further failure. */
const firstDelayMs = secondMs;
/** No longer than this, so that an answer comes before the authentication deadline: delays, never a lock. */
const maxDelayMs = 6 * secondMs;

export interface ThrottleLimits {
  readonly attemptsPerHour: number;
}

interface Failures {
  /** Failures that still count; drains at the allowed rate. */
  count: number;
  updatedMs: number;
  /** When the next attempt over the limit may be answered. */
  nextSlotMs: number;
}

/**
 * Failed logins of one kind of key (account names, addresses): a bucket of `attemptsPerHour` that drains at that rate.
 * While it is full, attempts are answered one after another with growing gaps (PROTOCOL §Limits). In memory, bounded.
 */
export class LoginThrottle {
  readonly #clock: Clock;
  #limits: ThrottleLimits;
  readonly #byKey = new Map<string, Failures>();

  constructor(deps: { readonly clock: Clock }, limits: ThrottleLimits) {
    this.#clock = deps.clock;
    this.#limits = limits;
  }

  setLimits(limits: ThrottleLimits): void {
    this.#limits = limits;
  }

  /**
   * An attempt begins; it counts as failed until {@link succeeded} takes that back, so parallel attempts gain nothing.
   * Milliseconds it has to wait for its turn, or `undefined` when too many wait already: try again later.
   */
  begin(key: string): number | undefined {
    const failures = this.#current(key) ?? { count: 0, updatedMs: this.#clock.monotonicMs(), nextSlotMs: 0 };
    const waitMs = this.#turn(failures);
    if (waitMs === undefined) return undefined;
    // Two hours' worth is enough to remember: an attacker must not fill the bucket for weeks.
    failures.count = Math.min(failures.count + 1, this.#limits.attemptsPerHour * 2);
    this.#byKey.delete(key);
    this.#byKey.set(key, failures);
    if (this.#byKey.size > maxKeys) this.#forgetOldest();
    return waitMs;
  }

  /** Failures that count now, attempts under way included. */
  countOf(key: string): number {
    return Math.ceil(this.#current(key)?.count ?? 0);
  }

  /** The attempt was no failure. Only this one is taken back: one who knows a password must not reset an address for guessing others. */
  succeeded(key: string): void {
    const failures = this.#current(key);
    if (failures !== undefined) failures.count = Math.max(0, failures.count - 1);
  }

  /** The one who knows the password was here: earlier failures of this name were their own, or no longer matter. */
  forget(key: string): void {
    this.#byKey.delete(key);
  }

  #turn(failures: Failures): number | undefined {
    // Whole failures: a moment's draining does not make a place free.
    const over = Math.ceil(failures.count) - this.#limits.attemptsPerHour;
    if (over < 0) return 0;
    const now = this.#clock.monotonicMs();
    const gapMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(10, over));
    const slotMs = Math.max(now + gapMs, failures.nextSlotMs);
    if (slotMs - now > maxDelayMs) return undefined;
    failures.nextSlotMs = slotMs + gapMs;
    return slotMs - now;
  }

  #current(key: string): Failures | undefined {
    const failures = this.#byKey.get(key);
    if (failures === undefined) return undefined;
    const now = this.#clock.monotonicMs();
    failures.count -= ((now - failures.updatedMs) * this.#limits.attemptsPerHour) / hourMs;
    failures.updatedMs = now;
    if (failures.count > 0) return failures;
    this.#byKey.delete(key);
    return undefined;
  }

  #forgetOldest(): void {
    const oldest = this.#byKey.keys().next();
    if (!oldest.done) this.#byKey.delete(oldest.value);
  }
}
