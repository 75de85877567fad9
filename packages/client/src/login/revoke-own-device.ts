import { ed25519KeyPair } from '@coffer/crypto';
import { Connections } from '../connection/connections.ts';
import { createTlsDial } from '../connection/dial.ts';
import type { Dial } from '../connection/dial.ts';
import type { FullDeviceKeys } from '../profile/device-keys.ts';
import type { Profile } from '../profile/profile.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import { OwnChain } from './identity-chain.ts';
import { revokeDevice } from './revoke-device.ts';

export interface RevokeOwnDevice {
  readonly profile: Profile;
  readonly record: ProfileRecord;
  readonly keys: FullDeviceKeys;
  /** TLS when left out. */
  readonly dial: Dial | undefined;
}

/** Revokes the device of a profile, on a connection of its own. @throws what the server answers; UNREACHABLE */
export async function revokeOwnDevice(
  { profile, record, keys, dial }: RevokeOwnDevice,
  signal?: AbortSignal,
): Promise<void> {
  const { server, account, device, pin } = record;
  const { clock } = profile.deps;
  const who = { server, account, device, sign: ed25519KeyPair(keys.deviceSeed).sign };
  const nothing = (): void => undefined;
  await using connections = new Connections({
    dial: dial ?? createTlsDial({ clock }),
    ...profile.deps,
    address: record,
    pin,
    who,
    onHello: nothing,
    onProved: nothing,
    onEvent: nothing,
  });
  const chain = OwnChain.open(profile.chainPath, account);
  await connections.run(
    'control',
    async (connection) => {
      await chain.refresh(connection, signal);
      await revokeDevice({ connection, chain, identitySeed: keys.identitySeed, device, clock }, signal);
    },
    signal,
  );
}
