import { lp } from '@coffer/core';
import type { Random, ServerId } from '@coffer/core';
import { hpkeInfo, openFrom, sealTo } from '@coffer/crypto';
import type { SealingKeyPair } from '@coffer/crypto';

/** The OPAQUE setup as only the recovery key opens it: safe to lie beside a copy of the database (CRYPTO §Login). */
export function sealOpaqueSetup(input: {
  readonly setup: string;
  readonly server: ServerId;
  /** Public half of the recovery key. */
  readonly recoveryKey: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  const { setup, server, recoveryKey, random } = input;
  const plain = Buffer.from(setup, 'utf8');
  return sealTo({ recipientKey: recoveryKey, info: infoOf(server, recoveryKey), plain, random });
}

/** @throws INTEGRITY when it was sealed to another key, or for another server */
export function openOpaqueSetup(input: {
  readonly sealed: Uint8Array;
  readonly server: ServerId;
  readonly recovery: SealingKeyPair;
}): string {
  const { sealed, server, recovery } = input;
  const plain = openFrom({ privateSeed: recovery.seed, info: infoOf(server, recovery.publicKey), sealed });
  return Buffer.from(plain).toString('utf8');
}

function infoOf(server: ServerId, recoveryKey: Uint8Array): Uint8Array {
  return hpkeInfo({
    purpose: 'coffer/1 opaque setup',
    server,
    from: server,
    to: recoveryKey,
    object: lp(),
    epoch: 0,
  });
}
