import { CofferError, secondMs, type Clock } from '@coffer/core';
import type { Audit } from '../log/audit.ts';
import { AlertWindow } from './alert-window.ts';
import { LoginThrottle } from './login-throttle.ts';

export interface LoginLimits {
  readonly attemptsPerHour: number;
  readonly addressPerHour: number;
  readonly alertAfter: number;
  readonly alertWindowMs: number;
}

/** A run of failed logins with one name, or from one address with several. */
export interface LoginAlert {
  /** As attempts are counted by it; whether anybody has it is not known here. */
  readonly name: string | undefined;
  readonly address: string;
  readonly attempts: number;
}

export interface LoginGuardDeps {
  readonly clock: Clock;
  readonly audit: Audit;
  /** Told beside the log. Must return at once. */
  readonly onAlert?: (alert: LoginAlert) => void;
}

/** One try at a password, counted as failed until it succeeds. */
export interface LoginAttempt {
  succeeded(): void;
  /** For the alert; a try that is neither is counted all the same. */
  failed(): void;
}

/** Counts failed logins by name and by address and slows down both (PROTOCOL §Limits). The same for names that nobody has. */
export class LoginGuard {
  readonly #deps: LoginGuardDeps;
  readonly #names: LoginThrottle;
  readonly #addresses: LoginThrottle;
  readonly #alerts: AlertWindow;
  readonly #proofs: LoginThrottle;
  readonly #resets: LoginThrottle;

  constructor(deps: LoginGuardDeps, limits: LoginLimits) {
    this.#deps = deps;
    this.#names = new LoginThrottle(deps, limits);
    this.#addresses = new LoginThrottle(deps, { attemptsPerHour: limits.addressPerHour });
    this.#alerts = new AlertWindow(deps, limits);
    this.#proofs = new LoginThrottle(deps, { attemptsPerHour: limits.addressPerHour });
    this.#resets = new LoginThrottle(deps, limits);
  }

  setLimits(limits: LoginLimits): void {
    this.#names.setLimits(limits);
    this.#resets.setLimits(limits);
    this.#addresses.setLimits({ attemptsPerHour: limits.addressPerHour });
    this.#proofs.setLimits({ attemptsPerHour: limits.addressPerHour });
    this.#alerts.setLimits(limits);
  }

  /**
   * A device's proof failed, or it asked for what is an administrator's. False when the address had so many that one more line in the log would tell nothing, and
   * help who wants to push the others out of it.
   */
  worthNoting(address: string): boolean {
    return this.#proofs.begin(address) === 0;
  }

  /** Waits for the attempt's turn. @throws BUSY when too many wait already */
  async begin(name: string, address: string, signal: AbortSignal): Promise<LoginAttempt> {
    // The address first: what it may not try must not count against a name, nor push other names out of memory.
    const byAddress = this.#addresses.begin(address);
    await this.#wait([byAddress, byAddress === undefined ? undefined : this.#names.begin(name)], signal);
    return this.#attempt(name, address);
  }

  /**
   * As {@link begin}, for one who asks for a new password. It counts against the address, and against this name from this address: who
   * asks or guesses elsewhere must keep the person neither from asking nor from signing in. @throws BUSY
   */
  async beginReset(name: string, address: string, signal: AbortSignal): Promise<void> {
    const byAddress = this.#addresses.begin(address);
    await this.#wait(
      [byAddress, byAddress === undefined ? undefined : this.#resets.begin(`${address} ${name}`)],
      signal,
    );
  }

  /** As {@link begin}, for one who has no name yet: registrations count against the address alone. @throws BUSY */
  async beginAt(address: string, signal: AbortSignal): Promise<Pick<LoginAttempt, 'succeeded'>> {
    await this.#wait([this.#addresses.begin(address)], signal);
    return { succeeded: () => this.#addresses.succeeded(address) };
  }

  /** For the last of these turns, each of them ms from now. @throws BUSY when there is none */
  async #wait(turns: readonly (number | undefined)[], signal: AbortSignal): Promise<void> {
    const waitMs = turns.reduce<number | undefined>(
      (last, turn) => (last === undefined || turn === undefined ? undefined : Math.max(last, turn)),
      0,
    );
    if (waitMs === undefined) throw busy();
    if (waitMs > 0) await this.#deps.clock.sleep(waitMs, signal);
  }

  #attempt(name: string, address: string): LoginAttempt {
    let settled = false;
    const once = (work: () => void) => (): void => {
      if (settled) return;
      settled = true;
      work();
    };
    return {
      succeeded: once(() => {
        this.#names.forget(name);
        this.#addresses.succeeded(address);
      }),
      failed: once(() => this.#failed(name, address)),
    };
  }

  #failed(name: string, address: string): void {
    const attempts = this.#names.countOf(name);
    if (this.#alerts.event(`name ${name}`)) this.#alert('by-name', { name, address, attempts });
    if (this.#alerts.event(`address ${address}`))
      this.#alert('by-address', { name: undefined, address, attempts: this.#addresses.countOf(address) });
  }

  #alert(note: string, alert: LoginAlert): void {
    const { address, attempts } = alert;
    this.#deps.onAlert?.(alert);
    this.#deps.audit.record('anomaly', {
      event: 'failed-logins',
      status: 'REFUSED',
      address,
      note,
      counts: { attempts },
    });
  }
}

function busy(): CofferError {
  return new CofferError('BUSY', 'too many failed logins; this one was not tried', {
    hint: 'Wait a minute and try again.',
    details: { retryAfterMs: 30 * secondMs },
  });
}
