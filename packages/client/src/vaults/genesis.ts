import { newEntryId, randomId, rootEntry, timestampFromMs, zeroHash } from '@coffer/core';
import type { Clock, CommitId, Random } from '@coffer/core';
import {
  ed25519KeyPair,
  epochKeys,
  newEpochSecret,
  sealCommitBody,
  sealEpochSecretTo,
  teamKeyPair,
} from '@coffer/crypto';
import type { AccountSecrets } from '@coffer/crypto';
import { bodyAssociatedData, encodeOperations, makeCommit } from '@coffer/journal';
import type { Commit, CommitHeader, IdentityState, PutOperation, Ref, VaultKind } from '@coffer/journal';

export interface Genesis {
  readonly commit: Commit;
  /** Of epoch 0. */
  readonly epochSecret: Uint8Array;
}

export interface GenesisDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export interface NewVault {
  readonly kind: VaultKind;
  /** Of the owner, who alone is a member at the beginning. */
  readonly identity: IdentityState;
  readonly secrets: Pick<AccountSecrets, 'identitySeed'>;
  /** Of a team, and of nothing else. */
  readonly name?: string;
}

/** The first commit of a vault: its id follows from it, so it is known before the server has it (JOURNAL §Commit). */
export function makeGenesis({ kind, name, identity, secrets }: NewVault, { clock, random }: GenesisDeps): Genesis {
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
    refs: genesisRefs({ kind, identity, epochSecret, commitId, random }),
  } as const satisfies Omit<CommitHeader, 'bodyHash'>;
  const init = ['init', random.bytes(32)] as const;
  const operations = encodeOperations(name === undefined ? [init] : [init, nameOperation(name, { clock, random })]);
  const associatedData = bodyAssociatedData(header);
  const body = sealCommitBody({ epochSecret, n: 0, operations, associatedData, random });
  return { commit: makeCommit({ header, body, sign: ed25519KeyPair(secrets.identitySeed).sign }), epochSecret };
}

/** The name of a team is that of the one directory in it. */
function nameOperation(name: string, { clock, random }: GenesisDeps): PutOperation {
  const at = timestampFromMs(clock.nowMs());
  return ['put', newEntryId(clock, random), rootEntry, name, 'directory', 0, at, 0o755, []];
}

interface GenesisRefs {
  readonly kind: VaultKind;
  readonly identity: IdentityState;
  readonly epochSecret: Uint8Array;
  readonly commitId: CommitId;
  readonly random: Random;
}

function genesisRefs({ kind, identity, epochSecret, commitId, random }: GenesisRefs): readonly Ref[] {
  const { account, server, fingerprint, head, sealKey } = identity;
  const grant = { server, from: account, to: account, object: commitId, epoch: 0 };
  const sealed = sealEpochSecretTo({ grant, recipientKey: sealKey, secret: epochSecret, random });
  return [
    { kind: 'genesis', vaultKind: kind, owner: account, fingerprint, chainHead: head },
    {
      kind: 'epoch',
      n: 0,
      commitment: epochKeys(epochSecret, 0).commitment,
      link: null,
      seals: [{ recipient: account, worker: null, fingerprint, sealed }],
      teamKey: kind === 'team' ? teamKeyPair(epochSecret, 0).publicKey : null,
    },
  ];
}
