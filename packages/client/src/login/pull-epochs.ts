import { DatabaseSync } from 'node:sqlite';
import { CofferError } from '@coffer/core';
import type { AccountId, ServerId, VaultId } from '@coffer/core';
import type { ClientConnection } from '@coffer/protocol';
import { createTables } from '../state/schema.ts';
import { VaultJournal } from '../state/vault-journal.ts';
import { pullInto } from '../vaults/pull.ts';
import type { OwnChain } from './identity-chain.ts';

export interface GivenEpoch {
  readonly n: number;
  readonly secret: Uint8Array;
}

export interface PullEpochs {
  readonly connection: ClientConnection;
  readonly vault: VaultId;
  readonly chain: OwnChain;
  readonly owner: {
    readonly server: ServerId;
    readonly account: AccountId;
    readonly sealSeed: Uint8Array;
    readonly formerSealSeeds?: readonly Uint8Array[] | undefined;
  };
}

/**
 * Every epoch secret of a vault, opened with the account's keys while a worker's login still holds them. The journal is folded in
 * memory only: the worker folds it again for itself. @throws INTEGRITY, ROLLBACK
 */
export async function pullEpochs(
  { connection, vault, chain, owner }: PullEpochs,
  signal?: AbortSignal,
): Promise<GivenEpoch[]> {
  const db = new DatabaseSync(':memory:');
  try {
    createTables(db);
    const key = { ...owner, worker: undefined, given: [] };
    const journal = new VaultJournal(vault, { db, directory: chain.directory, key, pin: undefined });
    await pullInto(
      { journal, connection, refreshIdentities: async () => void (await chain.refresh(connection, signal)) },
      signal,
    );
    const { state } = journal;
    if (state === undefined) throw new CofferError('NOT_FOUND', 'the home vault is empty on the server');
    return Array.from({ length: state.epoch + 1 }, (_, n) => ({ n, secret: journal.epochSecret(n) }));
  } finally {
    db.close();
  }
}
