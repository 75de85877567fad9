import type { Clock } from '@coffer/core';
import { dayMs, isCofferError, minuteMs } from '@coffer/core';
import type { Accounts } from '../accounts/accounts.ts';

/** Farther than this from the wall clock, one of the two is wrong, and nothing is destroyed until that is settled. */
const toleranceMs = dayMs;

/** A crash takes the clock back by this much at most. */
const saveEveryMs = 10 * minuteMs;

/** The clocks are compared over at least this time: wall clocks count whole milliseconds, and each comparison may lose one. */
const windowMs = minuteMs;

/** Name of the setting in accounts.db; its value is the time in decimal digits. */
const settingKey = 'retention.clock';

export interface ClockStatus {
  /** Time as retention counts it, ms since 1970. */
  readonly nowMs: number;
  /** Time as the machine tells it. */
  readonly wallMs: number;
  /** True: the two differ by more than a day, so that nothing expires. */
  readonly paused: boolean;
}

interface ClockBase {
  readonly nowMs: number;
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly uptimeMs: number;
}

interface RetentionClockDeps {
  readonly clock: Clock;
  readonly accounts: Pick<Accounts, 'setting' | 'setSetting'>;
}

/**
 * The time that decides what may be destroyed (JOURNAL §Retention). It never goes back and never runs faster than time
 * was seen to pass, so that no jump of the machine's clock makes a version old. Across a restart it follows the machine's
 * clock by a day at most; beyond that it is paused until the machine's clock is near again or an administrator accepts it.
 * Time that the machine has slept counts as seen, up to a day at a time: its uptime tells how much that was.
 */
export class RetentionClock implements AsyncDisposable {
  readonly #deps: RetentionClockDeps;
  readonly #closed = new AbortController();
  #saving: Promise<void> | undefined;
  /** The time at the begin of a window, and all clocks then. */
  #base: ClockBase;
  #lastMs: number;

  private constructor(deps: RetentionClockDeps, nowMs: number) {
    this.#deps = deps;
    this.#base = this.#baseAt(nowMs);
    this.#lastMs = nowMs;
  }

  /** At the machine's time when it is used for the first time. Changes nothing yet: the storage may be refused. @throws DAMAGED, IO */
  static async open(deps: RetentionClockDeps): Promise<RetentionClock> {
    const wallMs = deps.clock.nowMs();
    const savedMs = parseSetting(await deps.accounts.setting(settingKey));
    const near = savedMs === undefined || (wallMs >= savedMs && wallMs - savedMs <= toleranceMs);
    return new RetentionClock(deps, near ? wallMs : savedMs);
  }

  /** From now on the time is saved: now, every few minutes, and at the end. Called once. */
  async begin(): Promise<void> {
    await this.#trySave();
    this.#saving = this.#saveNowAndThen();
  }

  nowMs(): number {
    const now = this.#baseAt(0);
    const seenMs = seenBetween(this.#base, now);
    const passedMs = Math.min(now.wallMs - this.#base.wallMs, seenMs);
    this.#lastMs = Math.max(this.#lastMs, this.#base.nowMs + Math.floor(Math.max(0, passedMs)));
    if (isWindowOver(this.#base, now)) this.#base = { ...now, nowMs: this.#lastMs };
    return this.#lastMs;
  }

  /** When something that comes in now was received: the machine's time, or this one where that went back. */
  receiveMs(): number {
    return Math.max(this.#deps.clock.nowMs(), this.nowMs());
  }

  status(): ClockStatus {
    const nowMs = this.nowMs();
    const wallMs = this.#deps.clock.nowMs();
    return { nowMs, wallMs, paused: isFar(wallMs, nowMs) };
  }

  get paused(): boolean {
    return this.status().paused;
  }

  /** An administrator says that the machine's time is right. @throws NO_SPACE, IO */
  async accept(): Promise<void> {
    this.#lastMs = this.#deps.clock.nowMs();
    this.#base = this.#baseAt(this.#lastMs);
    await this.save();
  }

  /** @throws NO_SPACE, IO */
  async save(): Promise<void> {
    await this.#deps.accounts.setSetting(settingKey, Buffer.from(String(this.nowMs())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    if (!this.#saving) return;
    await this.#saving;
    await this.#trySave();
  }

  #baseAt(nowMs: number): ClockBase {
    const { clock } = this.#deps;
    const monotonicMs = clock.monotonicMs();
    return { nowMs, wallMs: clock.nowMs(), monotonicMs, uptimeMs: clock.uptimeMs?.() ?? monotonicMs };
  }

  async #saveNowAndThen(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#deps.clock.sleep(saveEveryMs, signal).catch(ignore);
      if (!signal.aborted) await this.#trySave();
    }
  }

  /** What cannot be saved is only lost: the clock goes on a little behind after a restart. */
  async #trySave(): Promise<void> {
    await this.save().catch((error: unknown) => {
      if (!isCofferError(error)) throw error;
    });
  }
}

/** As the storage last saved it, some minutes ago when it runs; undefined when it never ran. @throws IO */
export async function readClock(accounts: Pick<Accounts, 'setting'>, wallMs: number): Promise<ClockStatus | undefined> {
  const nowMs = parseSetting(await accounts.setting(settingKey));
  return nowMs === undefined ? undefined : { nowMs, wallMs, paused: isFar(wallMs, nowMs) };
}

/** A sleep of more than a day is a jump: how long it was is known from the machine's battery-backed clock alone. */
function seenBetween(before: ClockBase, now: ClockBase): number {
  const awakeMs = now.monotonicMs - before.monotonicMs;
  const asleepMs = now.uptimeMs - before.uptimeMs - awakeMs;
  return asleepMs > 0 && asleepMs <= toleranceMs ? awakeMs + asleepMs : awakeMs;
}

/** Slept or awake: a sleep is judged by itself. */
function isWindowOver(before: ClockBase, now: ClockBase): boolean {
  return Math.max(now.monotonicMs - before.monotonicMs, now.uptimeMs - before.uptimeMs) >= windowMs;
}

function isFar(wallMs: number, nowMs: number): boolean {
  return Math.abs(wallMs - nowMs) > toleranceMs;
}

/** `undefined` for what is no time, as for none at all. */
function parseSetting(value: Uint8Array | undefined): number | undefined {
  const text = value && Buffer.from(value).toString();
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function ignore(): void {}
