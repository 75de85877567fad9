import {
  CofferError,
  equalBytes,
  idKey,
  secondMs,
  type AccountId,
  type Clock,
  type DeviceId,
  type IdKey,
  type Logger,
} from '@coffer/core';
import type { DeviceRecord } from '@coffer/journal';
import type { Connection } from './connection.ts';

/** A device's connections for requests and events: an agent, a terminal UI and commands side by side (PROTOCOL §Session). */
const controlPerDevice = 8;
/** Chunk transfers of each of them. */
const bulkPerControl = 2;
/** How soon a change made by another process, `admin user suspend` beside the daemon, ends sessions that ask nothing. */
const sweepMs = 2 * secondMs;

export interface SessionLimits {
  readonly maxPerAccount: number;
}

export interface SessionsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** False as soon as the account is suspended, its password changed or the device revoked, by whomever. */
  readonly isLive: (account: AccountId, device: DeviceId, authEpoch: number) => Promise<boolean>;
}

/** Every proved connection of the daemon by account: caps, and an end at once when a right ends (PROTOCOL §Session). */
export class Sessions implements AsyncDisposable {
  readonly #deps: SessionsDeps;
  readonly #byAccount = new Map<IdKey, Set<Connection>>();
  readonly #stop = new AbortController();
  readonly #sweeping: Promise<void>;
  #limits: SessionLimits;

  constructor(deps: SessionsDeps, limits: SessionLimits) {
    this.#deps = deps;
    this.#limits = limits;
    this.#sweeping = this.#sweepForever();
  }

  setLimits(limits: SessionLimits): void {
    this.#limits = limits;
  }

  /** The device behind `connection` has proved itself. @throws LIMIT when the account or device has too many connections */
  admit(connection: Connection, account: AccountId, device: DeviceRecord): void {
    const mine = this.#byAccount.get(idKey(account)) ?? new Set();
    const same = [...mine].filter((other) => isOf(other, device.device) && other.role === connection.role);
    const limit = connection.role === 'bulk' ? controlPerDevice * bulkPerControl : controlPerDevice;
    if (mine.size >= this.#limits.maxPerAccount || same.length >= limit) throw tooMany();
    connection.standing = { phase: 'device', account, device };
    this.#byAccount.set(idKey(account), mine.add(connection));
  }

  leave(connection: Connection): void {
    if (connection.standing.phase !== 'device') return;
    const key = idKey(connection.standing.account);
    const mine = this.#byAccount.get(key);
    mine?.delete(connection);
    if (mine?.size === 0) this.#byAccount.delete(key);
  }

  /** All proved connections, the oldest first. */
  all(): readonly Connection[] {
    return [...this.#byAccount.values()].flatMap((mine) => [...mine]).toSorted((a, b) => a.openedMs - b.openedMs);
  }

  /** Proved connections of an account, now. */
  ofAccount(account: AccountId): readonly Connection[] {
    return [...(this.#byAccount.get(idKey(account)) ?? [])];
  }

  /** Ends the sessions of a device; `except` goes on. */
  endDevice(account: AccountId, device: DeviceId, except?: Connection): void {
    for (const connection of this.#byAccount.get(idKey(account)) ?? []) {
      if (connection !== except && isOf(connection, device)) connection.end('the device was revoked');
    }
  }

  /** Ends all sessions of an account; `except` goes on. */
  endAccount(account: AccountId, reason: string, except?: Connection): void {
    for (const connection of this.#byAccount.get(idKey(account)) ?? []) {
      if (connection !== except) connection.end(reason);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#sweeping;
  }

  async #sweepForever(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#deps.clock.sleep(sweepMs, this.#stop.signal).catch(() => undefined);
      await this.#sweep().catch((error: unknown) =>
        this.#deps.logger.error({ reason: String(error) }, 'sessions could not be checked'),
      );
    }
  }

  async #sweep(): Promise<void> {
    for (const mine of this.#byAccount.values()) {
      for (const connection of mine) {
        if (this.#stop.signal.aborted) return;
        if (!(await this.#deps.isLive(connection.account, connection.device.device, connection.authEpoch)))
          connection.end('its right has ended');
      }
    }
  }
}

function isOf({ standing }: Connection, device: DeviceId): boolean {
  return standing.phase === 'device' && equalBytes(standing.device.device, device);
}

function tooMany(): CofferError {
  return new CofferError('LIMIT', 'too many connections of this account or device', {
    hint: 'Close some programs that use the vault, then try again.',
    retryable: true,
  });
}
