import { CofferError, isCofferError, timestampFromMs } from '@coffer/core';
import { ed25519KeyPair } from '@coffer/crypto';
import { makeIdentityStatement } from '@coffer/journal';
import { Connections } from '../connection/connections.ts';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import type { FullDeviceKeys } from '../profile/device-keys.ts';
import type { AskPassword } from '../profile/keystore.ts';
import type { Profile } from '../profile/profile.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import { OwnChain } from './identity-chain.ts';

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
  deps: { readonly dial: Dial } = { dial: createTlsDial({ clock: options.profile.deps.clock }) },
): Promise<{ readonly revoked: boolean }> {
  const { profile, signal } = options;
  const record = profile.requireRecord();
  const revoked = await tryRevoke(options, { record, dial: deps.dial });
  signal?.throwIfAborted();
  await profile.keystore.forget(record).catch(() => undefined);
  profile.erase();
  return { revoked };
}

async function tryRevoke(
  options: LogoutOptions,
  { record, dial }: { record: ProfileRecord; dial: Dial },
): Promise<boolean> {
  try {
    const keys = await options.profile.keystore.open(record, options.unlock);
    if (keys.kind !== 'full') return false;
    await revoke(options, { record, dial, keys });
    return true;
  } catch (error) {
    if (isCofferError(error) && error.code !== 'CANCELLED') return false;
    throw error;
  }
}

async function revoke(
  { profile, signal }: LogoutOptions,
  { record, dial, keys }: { record: ProfileRecord; dial: Dial; keys: FullDeviceKeys },
): Promise<void> {
  const { server, account, device, pin } = record;
  const who = { server, account, device, sign: ed25519KeyPair(keys.deviceSeed).sign };
  const nothing = (): void => undefined;
  const events = { onHello: nothing, onProved: nothing, onEvent: nothing, onControl: nothing };
  await using connections = new Connections({ dial, ...profile.deps, address: record, pin, who, ...events });
  const chain = OwnChain.open(profile.chainPath, account);
  await connections.run(
    'control',
    async (connection) => {
      await chain.refresh(connection, signal);
      const { seq, head } = chain.current;
      const at = timestampFromMs(profile.deps.clock.nowMs());
      const payload = { v: 1, type: 'revoke', account, seq: seq + 1, prev: head, at, device } as const;
      const statement = makeIdentityStatement(payload, ed25519KeyPair(keys.identitySeed).sign);
      await connection.request('account.appendIdentity', { statement }, { ...(signal && { signal }) });
    },
    signal,
  );
  if (signal?.aborted === true) throw new CofferError('CANCELLED', 'the logout was cancelled');
}
