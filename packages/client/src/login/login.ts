import { CofferError } from '@coffer/core';
import type { Dial } from '../connection/dial.ts';
import type { Trust } from '../connection/trust.ts';
import type { Profile } from '../profile/profile.ts';
import type { KeystoreKind } from '../profile/profile-record.ts';

export interface LoginTarget {
  readonly host: string;
  readonly port: number;
  readonly username: string;
}

export interface LoginOptions {
  readonly profile: Profile;
  readonly target: LoginTarget;
  readonly password: string;
  /** `file` makes this a worker: it holds the keys of the home vault, not of the account (CRYPTO §Keys). */
  readonly keystore: KeystoreKind;
  /** Of a worker: what it serves beside the home vault, by the beginnings of the ids of shares, in lower hexadecimal digits. */
  readonly serve?: readonly string[];
  readonly trust: Trust;
  /** 1 to 64 characters. */
  readonly deviceName: string;
  readonly signal?: AbortSignal;
}

/** What a login has made. */
export interface LoginInfo {
  readonly username: string;
  readonly deviceName: string;
  /** `host:port`. */
  readonly server: string;
  readonly role: 'user' | 'admin';
  /** The account's first login: the home vault was made. */
  readonly createdHome: boolean;
  /** The pinned authority vouches for the account's keys. */
  readonly certified: boolean;
  /** An administrator chose the password, and knows it: it is to be changed. */
  readonly mustChange: boolean;
  /** The folder that the administrator meant this account for, or nothing. The server's word: a suggestion, which nothing follows unasked. */
  readonly folder: string;
}

/**
 * Makes this machine a device of the account (PROTOCOL §Session). Leaves nothing behind when it fails.
 * @throws NOT_FOUND, INVALID, NOT_ALLOWED for shares that cannot be served; REFUSED, EXISTS when somebody is logged in here, UNREACHABLE, PIN_MISMATCH, CERTIFICATE, UNTRUSTED_SERVER, INTEGRITY, IO
 */
export async function login(options: LoginOptions, deps?: { readonly dial: Dial }): Promise<LoginInfo> {
  refuseLoggedIn(options.profile);
  const { enroll } = await import('./enrolment.ts');
  return await enroll(options, deps);
}

/** @throws EXISTS when somebody is logged in here */
export function refuseLoggedIn({ record }: Profile): void {
  if (record === undefined) return;
  const { username, host } = record;
  throw new CofferError('EXISTS', `${username} at ${host} is logged in here already`, {
    hint: 'Log out first, or take another --profile.',
  });
}
