import { randomId, timestampFromMs, zeroHash } from '@coffer/core';
import type { Clock, CommitId, Random } from '@coffer/core';
import { ed25519KeyPair, epochKeys, newEpochSecret, sealCommitBody, sealEpochSecretTo } from '@coffer/crypto';
import type { AccountSecrets } from '@coffer/crypto';
import { bodyAssociatedData, encodeOperations, makeCommit } from '@coffer/journal';
import type { Commit, CommitHeader, IdentityState, Ref } from '@coffer/journal';

export interface HomeGenesis {
  readonly commit: Commit;
  /** Of epoch 0. */
  readonly epochSecret: Uint8Array;
}

export interface HomeGenesisDeps {
  readonly clock: Clock;
  readonly random: Random;
}

/** The first commit of an account's home vault: its id follows from it, so it is known before the server has it (JOURNAL §Commit). */
export function makeHomeGenesis(
  { identity, secrets }: { readonly identity: IdentityState; readonly secrets: AccountSecrets },
  { clock, random }: HomeGenesisDeps,
): HomeGenesis {
  const epochSecret = newEpochSecret(random);
  const commitId: CommitId = randomId(random);
  const header = {
    v: 1,
    vault: new Uint8Array(32),
    seq: 1,
    prev: zeroHash,
    epoch: 0,
    account: identity.account,
    device: new Uint8Array(0),
    commitId,
    at: timestampFromMs(clock.nowMs()),
    refs: genesisRefs({ identity, epochSecret, commitId, random }),
  } as const satisfies Omit<CommitHeader, 'bodyHash'>;
  const operations = encodeOperations([['init', random.bytes(32)]]);
  const associatedData = bodyAssociatedData(header);
  const body = sealCommitBody({ epochSecret, n: 0, operations, associatedData, random });
  return { commit: makeCommit({ header, body, sign: ed25519KeyPair(secrets.identitySeed).sign }), epochSecret };
}

interface GenesisRefs {
  readonly identity: IdentityState;
  readonly epochSecret: Uint8Array;
  readonly commitId: CommitId;
  readonly random: Random;
}

function genesisRefs({ identity, epochSecret, commitId, random }: GenesisRefs): readonly Ref[] {
  const { account, server, fingerprint, head, sealKey } = identity;
  const grant = { server, from: account, to: account, object: commitId, epoch: 0 };
  const sealed = sealEpochSecretTo({ grant, recipientKey: sealKey, secret: epochSecret, random });
  return [
    { kind: 'genesis', vaultKind: 'home', owner: account, fingerprint, chainHead: head },
    {
      kind: 'epoch',
      n: 0,
      commitment: epochKeys(epochSecret, 0).commitment,
      link: null,
      seals: [{ recipient: account, worker: null, fingerprint, sealed }],
      teamKey: null,
    },
  ];
}
