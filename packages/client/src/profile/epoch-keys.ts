import type { EpochKey } from '../state/epoch-secrets.ts';
import type { DeviceKeys, FullDeviceKeys } from './device-keys.ts';
import type { ProfileRecord } from './profile-record.ts';

/** Of a full device: what opens the epoch secrets of everything but teams. */
export function accountKeyOf(
  { server, account }: Pick<ProfileRecord, 'server' | 'account'>,
  { sealSeed, formerSealSeeds }: FullDeviceKeys,
): EpochKey {
  return { server, account, worker: undefined, sealSeed, formerSealSeeds, given: [] };
}

/** What opens those of the home vault. */
export function homeKeyOf({ server, account, device, home }: ProfileRecord, keys: DeviceKeys): EpochKey {
  if (keys.kind === 'full') return accountKeyOf({ server, account }, keys);
  const given = keys.epochs.filter(({ vault }) => Buffer.compare(vault, home) === 0);
  return { server, account, worker: device, sealSeed: keys.sealSeed, given };
}
