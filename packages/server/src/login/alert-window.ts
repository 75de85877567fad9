import type { Clock } from '@coffer/core';

/** Keys watched at once; the one longest without an event is forgotten first. */
const maxKeys = 10_000;

export interface AlertLimits {
  readonly alertAfter: number;
  readonly alertWindowMs: number;
}

/** Notices when a key has `alertAfter` events within `alertWindowMs`; says so once per such run. In memory, bounded. */
export class AlertWindow {
  readonly #clock: Clock;
  #limits: AlertLimits;
  readonly #times = new Map<string, number[]>();

  constructor(deps: { readonly clock: Clock }, limits: AlertLimits) {
    this.#clock = deps.clock;
    this.#limits = limits;
  }

  setLimits(limits: AlertLimits): void {
    this.#limits = limits;
  }

  /** True for the event that completes a run. */
  event(key: string): boolean {
    const now = this.#clock.monotonicMs();
    const recent = (this.#times.get(key) ?? []).filter((time) => now - time < this.#limits.alertWindowMs);
    recent.push(now);
    this.#times.delete(key);
    if (recent.length >= this.#limits.alertAfter) return true;
    this.#times.set(key, recent);
    if (this.#times.size > maxKeys) this.#forgetOldest();
    return false;
  }

  #forgetOldest(): void {
    const oldest = this.#times.keys().next();
    if (!oldest.done) this.#times.delete(oldest.value);
  }
}
