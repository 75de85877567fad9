import { timestampFromMs } from '@coffer/core';
import type { Clock, DeviceId } from '@coffer/core';
import { ed25519KeyPair } from '@coffer/crypto';
import { makeIdentityStatement } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { OwnChain } from './identity-chain.ts';

export interface RevokeDevice {
  readonly connection: ClientConnection;
  /** Up to date. */
  readonly chain: OwnChain;
  readonly identitySeed: Uint8Array;
  readonly device: DeviceId;
  readonly clock: Clock;
}

/** Appends the device's revocation to the account's chain; its sessions end. @throws CONFLICT, NOT_ALLOWED, UNREACHABLE */
export async function revokeDevice(
  { connection, chain, identitySeed, device, clock }: RevokeDevice,
  signal?: AbortSignal,
): Promise<void> {
  const { account, seq, head } = chain.current;
  const at = timestampFromMs(clock.nowMs());
  const payload = { v: 1, type: 'revoke', account, seq: seq + 1, prev: head, at, device } as const;
  const statement = makeIdentityStatement(payload, ed25519KeyPair(identitySeed).sign);
  await connection.request('account.appendIdentity', { statement }, { ...(signal && { signal }) });
}
