import { equalBytes } from '@coffer/core';
import type { VaultId } from '@coffer/core';
import type { EpochKey } from '../state/epoch-secrets.ts';
import type { DeviceKeys, FullDeviceKeys, WorkerKeys } from './device-keys.ts';
import type { ProfileRecord } from './profile-record.ts';

/** Of a full device: what opens the epoch secrets of everything but teams. */
export function accountKeyOf(
  { server, account }: Pick<ProfileRecord, 'server' | 'account'>,
  { sealSeed, formerSealSeeds }: FullDeviceKeys,
): EpochKey {
  return { server, account, worker: undefined, sealSeed, formerSealSeeds, given: [] };
}

/** What opens those of the home vault. */
export function homeKeyOf(record: ProfileRecord, keys: DeviceKeys): EpochKey {
  return keys.kind === 'full' ? accountKeyOf(record, keys) : workerKeyOf(record, keys, record.home);
}

/** Of a worker: what opens those of a vault that it serves; `given` is empty for any other. */
export function workerKeyOf(
  { server, account, device }: ProfileRecord,
  { sealSeed, epochs }: WorkerKeys,
  vault: VaultId,
): EpochKey {
  const given = epochs.filter((one) => equalBytes(one.vault, vault));
  return { server, account, worker: device, sealSeed, given };
}
