import { CofferError, dayMs } from '@coffer/core';
import { resetWords, xwingKeyPair } from '@coffer/crypto';
import type { Dial } from '../connection/dial.ts';
import type { Trust } from '../connection/trust.ts';
import { refuseLoggedIn } from '../login/login.ts';
import type { LoginInfo, LoginTarget } from '../login/login.ts';
import type { Profile } from '../profile/profile.ts';
import type { KeystoreKind } from '../profile/profile-record.ts';
import { readPendingReset, removePendingReset } from './pending-reset.ts';
import type { PendingReset } from './pending-reset.ts';

export interface RequestReset {
  readonly profile: Profile;
  readonly target: LoginTarget;
  readonly trust: Trust;
  /** Also when one of this device waits: where many ask, the server may have dropped it, and does not say so. */
  readonly again?: boolean;
  readonly signal?: AbortSignal;
}

export interface ResetWords {
  readonly username: string;
  /** `host:port`. */
  readonly server: string;
  /** By which an administrator finds it, when many ask. */
  readonly request: Uint8Array;
  /** To be read to the administrator by voice: both see the same only when both speak of this device. */
  readonly words: readonly string[];
}

export interface ResetStatus extends ResetWords {
  readonly state: 'open' | 'approved' | 'rejected' | 'cancelled' | 'expired' | 'done';
  /** It can be finished from then on; undefined before it was approved. */
  readonly activeAtMs: number | undefined;
  /** The administrator's words. */
  readonly reason: string;
}

export interface FinishReset {
  readonly profile: Profile;
  /** Checked by the caller. */
  readonly password: string;
  readonly keystore: KeystoreKind;
  readonly deviceName: string;
  readonly signal?: AbortSignal;
}

export interface ResetDone extends LoginInfo {
  /** The new records have an escrow again. */
  readonly escrow: boolean;
}

/** As long as a request is open on the server; after that only this side knows that it is over. */
const openMs = 7 * dayMs;

/**
 * Asks for a new password, for somebody who has lost the old one (CRYPTO §Passwords that change or are lost). A request that waits is
 * told again, not made twice, unless `again` says so.
 * @throws UNTRUSTED_SERVER when the login pins no authority, EXISTS when somebody is logged in here, BUSY, UNREACHABLE, as `login`
 */
export async function requestReset(options: RequestReset, deps?: { readonly dial: Dial }): Promise<ResetWords> {
  const { profile, target } = options;
  refuseLoggedIn(profile);
  const status = options.again === true ? undefined : await resetStatus(options, deps);
  const waits = status?.state === 'open' || status?.state === 'approved';
  const isSame = status?.username === target.username && status.server === `${target.host}:${target.port}`;
  if (waits && isSame) {
    const { username, server, request, words } = status;
    return { username, server, request, words };
  }
  const { askReset } = await import('./reset-exchange.ts');
  return wordsOf(await askReset(options, deps));
}

/** How far it is; undefined when this profile asked for nothing. @throws UNREACHABLE, PIN_MISMATCH */
export async function resetStatus(
  { profile, signal }: Pick<FinishReset, 'profile' | 'signal'>,
  deps?: { readonly dial: Dial },
): Promise<ResetStatus | undefined> {
  const pending = readPendingReset(profile.resetPath);
  if (pending === undefined) return undefined;
  const { askStatus } = await import('./reset-exchange.ts');
  const { state, activeAtMs, reason } = await askStatus({ profile, pending, ...(signal && { signal }) }, deps);
  const isOver = state === 'open' && profile.deps.clock.nowMs() >= pending.createdAtMs + openMs;
  return { ...wordsOf(pending), state: isOver ? 'expired' : state, activeAtMs: activeAtMs ?? undefined, reason };
}

/**
 * Takes what the administrator sent, sets the new password and logs in.
 * @throws NOT_FOUND when nothing was asked here; CONFLICT before it was approved or before its day is over; EXPIRED; INTEGRITY when
 *   what comes back is not what the pinned authority certified for this account
 */
export async function finishReset(options: FinishReset, deps?: { readonly dial: Dial }): Promise<ResetDone> {
  const { profile, password, keystore, deviceName, signal } = options;
  refuseLoggedIn(profile);
  const pending = readPendingReset(profile.resetPath);
  if (pending === undefined) {
    throw new CofferError('NOT_FOUND', 'this device asked for no new password', {
      hint: 'Ask first: coffer password reset-request.',
    });
  }
  const [{ takeReset }, { login }] = await Promise.all([import('./reset-exchange.ts'), import('../login/login.ts')]);
  const escrow = await takeReset({ ...options, pending }, deps);
  const { host, port, username, pin, authority } = pending;
  const trust = { kind: 'pin', pin, authority } as const;
  const target = { host, port, username };
  // Of no use any more, whatever becomes of the login.
  removePendingReset(profile.resetPath);
  const wait = { ...(signal && { signal }) };
  return { ...(await login({ profile, target, password, keystore, trust, deviceName, ...wait }, deps)), escrow };
}

function wordsOf({ host, port, username, server, account, request, ephemeralSeed }: PendingReset): ResetWords {
  const ephemeralKey = xwingKeyPair(ephemeralSeed).publicKey;
  return {
    username,
    server: `${host}:${port}`,
    request,
    words: resetWords({ server, account, request, ephemeralKey }),
  };
}
