import type { AccountId, DeviceId } from '@coffer/core';

export type AccountRole = 'user' | 'admin';
export type AccountState = 'active' | 'suspended';

/** An account as the server keeps it. Names and the contact are the person's own words, for logs they do not exist. */
export interface AccountRecord {
  readonly account: AccountId;
  /** As the person writes it. */
  readonly username: string;
  /** As it is unique. */
  readonly canonicalUsername: string;
  readonly role: AccountRole;
  readonly state: AccountState;
  /** Null: no limit. */
  readonly quotaBytes: number | null;
  /** Largest stored content of one file; null: no limit. */
  readonly largestFileBytes: number | null;
  readonly contact: string;
  /** The folder on the person's machine that this account is for; a note, nothing the server opens. */
  readonly folder: string;
  /** OPAQUE registration record. */
  readonly registrationRecord: Uint8Array;
  /** Sealed for the account; opaque here. */
  readonly unlockRecord: Uint8Array;
  /** Grows with every change of the password. */
  readonly authEpoch: number;
  /** The authority's certificate of the identity. */
  readonly certificate: Uint8Array | null;
  readonly createdAtMs: number;
  /** An administrator chose the password, and knows it. */
  readonly mustChange: boolean;
  /** Of a removed account; its name is free again, its records are gone, its identity chain stays for the journals of others. */
  readonly removedAtMs: number | null;
}

export interface NewAccount {
  readonly username: string;
  readonly role: AccountRole;
  readonly quotaBytes?: number | null;
  readonly largestFileBytes?: number | null;
  readonly contact?: string;
  readonly folder?: string;
  readonly registrationRecord: Uint8Array;
  readonly unlockRecord: Uint8Array;
  /** A whole identity chain; the account's id is the one it names. */
  readonly identity: readonly Uint8Array[];
  readonly certificate?: Uint8Array | null;
  readonly mustChange?: boolean;
}

/** Something small that is kept beside the accounts, under a name. */
export interface Setting {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface DeviceSeen {
  readonly device: DeviceId;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

export interface Invite {
  /** SHA-256 of the token; the token itself is never kept. */
  readonly tokenHash: Uint8Array;
  /** The only name it may be used for. */
  readonly username: string | null;
  readonly role: AccountRole;
  readonly quotaBytes: number | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly usedAtMs: number | null;
  readonly usedBy: AccountId | null;
  /** Null: made on the server's machine. */
  readonly createdBy: AccountId | null;
}
