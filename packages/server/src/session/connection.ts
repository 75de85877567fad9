import { CofferError, type AccountId, type DeviceId } from '@coffer/core';
import type { DeviceRecord } from '@coffer/journal';
import type { Watcher } from '../events/watch-hub.ts';
import type { LoginAttempt } from '../login/login-guard.ts';

/** Whom the server takes the other end for. It only ever goes forward: open, login, device. */
export type Standing =
  | { readonly phase: 'open' }
  /** The password was right; the device is not known yet. */
  | { readonly phase: 'login'; readonly account: AccountId }
  | { readonly phase: 'device'; readonly account: AccountId; readonly device: DeviceRecord };

/** A login under way, between start and finish. */
export interface PendingLogin {
  readonly account: AccountId;
  /** Of the OPAQUE worker; a secret of this one login. */
  readonly state: string;
  /** False for a name that nobody has, or whose account is suspended: no password is right then. */
  readonly real: boolean;
  readonly attempt: LoginAttempt;
}

/** A device proof under way. */
export interface PendingProof {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly challenge: Uint8Array;
}

/** A registration under way, between start and finish. */
export interface PendingRegistration {
  readonly username: string;
  readonly tokenHash: Uint8Array | undefined;
  /** Chosen by the server: who could choose it could ask about another's password. */
  readonly account: AccountId;
  readonly attempt: Pick<LoginAttempt, 'succeeded'>;
}

/** A login by an approved reset of the password. */
export interface PendingReset {
  readonly request: Uint8Array;
  /** The new password was begun: once in a connection. */
  begun: boolean;
}

export interface ConnectionOptions {
  /** 8 random bytes, by which an administrator names it. */
  readonly session: Uint8Array;
  readonly openedMs: number;
  readonly address: string;
  readonly watcher: Watcher;
  /** Sends `notification.arrived`; resolves when the connection took it. */
  readonly announce: (notification: number) => Promise<void>;
  /** Milliseconds since the client did something. */
  readonly restedMs: () => number;
  /** Ends the connection: what runs is cut off. */
  readonly end: (reason: string) => void;
}

/** The server's memory of one connection; handlers get it as their context. */
export class Connection {
  readonly session: Uint8Array;
  readonly openedMs: number;
  readonly address: string;
  /** Takes the events that this connection asked for. */
  readonly watcher: Watcher;
  readonly announce: (notification: number) => Promise<void>;
  readonly restedMs: () => number;
  readonly end: (reason: string) => void;
  role: 'control' | 'bulk' = 'control';
  login: PendingLogin | undefined;
  proof: PendingProof | undefined;
  registration: PendingRegistration | undefined;
  reset: PendingReset | undefined;
  /** Of whom the password was proved here. */
  passwordOf: AccountId | undefined;
  /** A change of the password was begun here, and not finished. */
  passwordBegun = false;
  /** Of the account when the device was proved: a password that was changed since ends the session. */
  authEpoch = 0;
  #standing: Standing = { phase: 'open' };

  constructor({ session, openedMs, address, watcher, announce, restedMs, end }: ConnectionOptions) {
    this.session = session;
    this.openedMs = openedMs;
    this.address = address;
    this.restedMs = restedMs;
    this.watcher = watcher;
    this.announce = announce;
    this.end = end;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** @throws REFUSED once a device is proved: whatever the order of messages, nobody becomes somebody else */
  set standing(next: Standing) {
    if (this.#standing.phase === 'device')
      throw new CofferError('REFUSED', 'this connection belongs to a device already');
    this.#standing = next;
  }

  /** Whose connection it is, for handlers that the table's access already guards. */
  get account(): AccountId {
    if (this.standing.phase === 'open') throw new TypeError('nobody has logged in on this connection');
    return this.standing.account;
  }

  /** As {@link account}, once the device is proved. */
  get device(): DeviceRecord {
    if (this.standing.phase !== 'device') throw new TypeError('no device was proved on this connection');
    return this.standing.device;
  }
}
