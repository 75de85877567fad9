import { idKey, minuteMs, secondMs, type Clock, type IdKey } from '@coffer/core';
import type { Accounts } from '@coffer/storage';
import type { LoginAlert } from '../login/login-guard.ts';
import type { Notifications } from '../notifications/notifications.ts';
import type { Alerts } from './alerts.ts';

/** Each is written and flushed several times; the lines in the log are there in any case. */
const againMs = 10 * minuteMs;
/** For names that nobody has, and addresses, together: many addresses can try many names. */
const strangersPerMinute = 10;
/** The answer to a login takes the same time whether or not somebody is told. */
const laterMs = secondMs;

export interface FailedLoginsDeps {
  readonly clock: Clock;
  readonly accounts: Pick<Accounts, 'byName'>;
  readonly notifications: Pick<Notifications, 'notify'>;
  readonly alerts: Pick<Alerts, 'raise'>;
}

/** Tells the account and the administrators of runs of failed logins, each account's own ones however many others there are. */
export class FailedLogins {
  readonly #deps: FailedLoginsDeps;
  /** By account: as many as there are. */
  readonly #toldMs = new Map<IdKey, number>();
  #strangersMs: readonly number[] = [];

  constructor(deps: FailedLoginsDeps) {
    this.#deps = deps;
  }

  /** Resolves when all are told; the signal ends the wait before. */
  async tell({ name, address, attempts }: LoginAlert, signal: AbortSignal): Promise<void> {
    const { clock, accounts, notifications, alerts } = this.#deps;
    await clock.sleep(laterMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    const account = name === undefined ? undefined : (await accounts.byName(name))?.account;
    if (!this.#mayTell(account && idKey(account))) return;
    const word = name === undefined ? 'by-address' : 'by-name';
    await alerts.raise({ kind: 'failed-logins', account, address, word, figure: attempts });
    if (account !== undefined) await notifications.notify(account, { kind: 'failed-logins', figure: attempts });
  }

  #mayTell(account: IdKey | undefined): boolean {
    const now = this.#deps.clock.monotonicMs();
    if (account === undefined) {
      this.#strangersMs = this.#strangersMs.filter((ms) => now - ms < minuteMs);
      if (this.#strangersMs.length >= strangersPerMinute) return false;
      this.#strangersMs = [...this.#strangersMs, now];
      return true;
    }
    const told = this.#toldMs.get(account);
    if (told !== undefined && now - told < againMs) return false;
    this.#toldMs.set(account, now);
    return true;
  }
}
