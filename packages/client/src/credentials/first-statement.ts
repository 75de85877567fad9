import { zeroHash } from '@coffer/core';
import type { AccountId, ServerId, Timestamp } from '@coffer/core';
import { ed25519KeyPair, xwingKeyPair } from '@coffer/crypto';
import type { AccountSecrets } from '@coffer/crypto';
import { makeIdentityStatement } from '@coffer/journal';

export interface FirstStatement {
  readonly account: AccountId;
  readonly server: ServerId;
  readonly at: Timestamp;
  readonly secrets: Pick<AccountSecrets, 'identitySeed' | 'sealSeed'>;
}

/** The beginning of an account's identity chain, signed by its own key (JOURNAL §Members). */
export function firstStatement({ account, server, at, secrets }: FirstStatement): Uint8Array {
  const { publicKey: signKey, sign } = ed25519KeyPair(secrets.identitySeed);
  const sealKey = xwingKeyPair(secrets.sealSeed).publicKey;
  return makeIdentityStatement(
    { v: 1, type: 'create', account, seq: 1, prev: zeroHash, at, server, signKey, sealKey },
    sign,
  );
}
