import { decodeCbor, encodeCbor, integrityError } from '@coffer/core';
import type { AccountSecrets } from '@coffer/crypto';
import { z } from 'zod';

const bytes = (length: number) =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength === length,
    `${length} bytes expected`,
  );

const Dedup = z
  .array(z.strictObject({ g: z.int().min(0), secret: bytes(32) }))
  .min(1)
  .max(256);

const Stored = z.discriminatedUnion('kind', [
  z.strictObject({
    v: z.literal(1),
    kind: z.literal('full'),
    /** Ed25519 seed of the device. */
    deviceSeed: bytes(32),
    ark: bytes(32),
    identitySeed: bytes(32),
    sealSeed: bytes(32),
    dedup: Dedup,
    /** X-Wing seeds of the account's identities before, newest first. */
    formerSealSeeds: z.array(bytes(32)).min(1).max(16).readonly().optional(),
  }),
  z.strictObject({
    v: z.literal(1),
    kind: z.literal('worker'),
    deviceSeed: bytes(32),
    /** X-Wing seed of the worker. */
    sealSeed: bytes(32),
    dedup: Dedup,
    epochs: z.array(z.strictObject({ vault: bytes(32), n: z.int().min(0), secret: bytes(32) })).max(4096),
  }),
]);

/** What the keystore holds, by kind of device (CRYPTO §Keys *Device keystore*). All of it is secret. */
export type DeviceKeys =
  Readonly<z.infer<typeof Stored>> extends infer Keys ? (Keys extends { v: 1 } ? Omit<Keys, 'v'> : never) : never;
export type FullDeviceKeys = Extract<DeviceKeys, { kind: 'full' }>;
export type WorkerKeys = Extract<DeviceKeys, { kind: 'worker' }>;

/** What a full device holds of its account. The arrays are its own. */
export function fullKeys(
  { dedup, formerSealSeeds, ...secrets }: AccountSecrets,
  deviceSeed: Uint8Array,
): FullDeviceKeys {
  const former = formerSealSeeds === undefined ? {} : { formerSealSeeds: [...formerSealSeeds] };
  return { ...secrets, kind: 'full', deviceSeed, dedup: dedup.map(({ g, secret }) => ({ g, secret })), ...former };
}

export function encodeDeviceKeys(keys: DeviceKeys): Uint8Array {
  return encodeCbor({ v: 1, ...keys });
}

/** @throws INTEGRITY */
export function decodeDeviceKeys(plain: Uint8Array): DeviceKeys {
  try {
    const { v: _v, ...keys } = Stored.parse(decodeCbor(plain));
    return keys;
  } catch {
    throw integrityError('The keystore');
  }
}
