import { isCofferError } from '@coffer/core';
import type { Dial } from '../connection/dial.ts';
import type { AskPassword } from '../profile/keystore.ts';
import type { Profile } from '../profile/profile.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';

export interface LogoutOptions {
  readonly profile: Profile;
  /** Asked when the keystore wants a password. A refusal leaves the device certified; its keys go all the same. */
  readonly unlock: AskPassword;
  readonly signal?: AbortSignal;
}

/**
 * Revokes this device when it can (a worker cannot, nor can anybody without the server), then removes keys, pins and state from this
 * machine. @returns whether the server knows. @throws NOT_LOGGED_IN; the signal's reason, and then nothing was removed
 */
export async function logout(
  options: LogoutOptions,
  deps?: { readonly dial: Dial },
): Promise<{ readonly revoked: boolean }> {
  const { profile, signal } = options;
  const record = profile.requireRecord();
  const revoked = await tryRevoke(options, { record, dial: deps?.dial });
  signal?.throwIfAborted();
  await profile.keystore.forget(record).catch(() => undefined);
  profile.erase();
  return { revoked };
}

async function tryRevoke(
  options: LogoutOptions,
  { record, dial }: { record: ProfileRecord; dial: Dial | undefined },
): Promise<boolean> {
  try {
    const keys = await options.profile.keystore.open(record, options.unlock);
    if (keys.kind !== 'full') return false;
    const { revokeOwnDevice } = await import('./revoke-own-device.ts');
    await revokeOwnDevice({ profile: options.profile, record, keys, dial }, options.signal);
    return true;
  } catch (error) {
    if (isCofferError(error) && error.code !== 'CANCELLED') return false;
    throw error;
  }
}
