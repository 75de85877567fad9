import type { AccountId, Id } from '@coffer/core';

/** 16 random bytes. */
export type RequestId = Id<'request'>;
export type RequestKind = 'password-change' | 'password-reset';
/** `expired` is never stored: it follows from the time, or from a password that was changed since. */
export type RequestState = 'open' | 'approved' | 'rejected' | 'cancelled' | 'done' | 'expired';

/** Something that a person asked for and an administrator decides upon. */
export interface AccountRequest {
  readonly request: RequestId;
  readonly account: AccountId;
  readonly kind: RequestKind;
  readonly state: RequestState;
  /** Of the account when it was asked: a password that was changed since makes the request void. */
  readonly authEpoch: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Of an approved reset: it can be finished from then on. */
  readonly activeAtMs: number | null;
  readonly decidedAtMs: number | null;
  /** Null: on the server's machine. */
  readonly decidedBy: AccountId | null;
  /** The administrator's words. */
  readonly reason: string;
  /** Of a change: what becomes valid. */
  readonly registrationRecord: Uint8Array | null;
  readonly unlockRecord: Uint8Array | null;
  /** Of a reset: the address that asked, as limits count it. */
  readonly askedFrom: string | null;
  /** Of a reset: the X-Wing key of the new device. */
  readonly ephemeralKey: Uint8Array | null;
  /** SHA-256 of what the new device shows to prove that the request is its own. */
  readonly tokenHash: Uint8Array | null;
  /** Of an approved reset: the root key, sealed to the ephemeral key. */
  readonly sealed: Uint8Array | null;
}
