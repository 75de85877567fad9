import { decodeCbor, DeviceId, encodeCbor, equalBytes, CofferError } from '@coffer/core';
import { z } from 'zod';
import { readPrivateFile, removePrivateFile, writePrivateFile } from '../profile/private-file.ts';

const Stored = z.strictObject({ v: z.literal(1), devices: z.array(DeviceId).max(1000) });

const maxBytes = 32 * 1024;

/**
 * Devices whose vaults get new keys, written down before they are revoked: when that is interrupted nothing else tells, since the
 * clock that a revocation is dated by may be wrong.
 */
export class RekeyDue {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws DAMAGED */
  list(): readonly DeviceId[] {
    const bytes = readPrivateFile(this.#path, maxBytes);
    if (bytes === undefined) return [];
    try {
      return Stored.parse(decodeCbor(bytes)).devices;
    } catch (cause) {
      throw new CofferError('DAMAGED', 'the list of devices that are being revoked is damaged', {
        hint: `Move ${this.#path} away and revoke the device again.`,
        cause,
      });
    }
  }

  /** @throws IO */
  add(device: DeviceId): void {
    const others = this.list().filter((one) => !equalBytes(one, device));
    writePrivateFile(this.#path, encodeCbor({ v: 1, devices: [...others, device] }));
  }

  /** All vaults have new keys. @throws IO */
  clear(): void {
    removePrivateFile(this.#path);
  }
}
