import { DatabaseSync } from 'node:sqlite';
import { CofferError } from '@coffer/core';
import type { AccountId, ServerId, VaultId } from '@coffer/core';
import type { Commit } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { VaultIdentities } from '../people/vault-identities.ts';
import { createTables } from '../state/schema.ts';
import { VaultJournal } from '../state/vault-journal.ts';
import type { ExpectedVault } from '../state/vault-journal.ts';
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
  /** Left out for the home vault. */
  readonly share?: ShareToPull;
}

/** What a share needs beside: the chains of others, and what it must be. */
interface ShareToPull {
  readonly expected: ExpectedVault;
  readonly identities: VaultIdentities;
}

/**
 * Every epoch secret of a vault, opened with the account's keys while a worker's login still holds them. The journal is folded in
 * memory only: the worker folds it again for itself. @throws INTEGRITY, ROLLBACK
 */
export async function pullEpochs(
  { connection, vault, chain, owner, share }: PullEpochs,
  signal?: AbortSignal,
): Promise<GivenEpoch[]> {
  const db = new DatabaseSync(':memory:');
  try {
    createTables(db);
    const key = { ...owner, worker: undefined, given: [] };
    const directory = share?.identities.directory ?? chain.directory;
    const expected = { ...(share && { expected: share.expected }) };
    const journal = new VaultJournal(vault, { db, directory, key, pin: undefined, ...expected });
    const refreshIdentities = async (): Promise<void> => void (await chain.refresh(connection, signal));
    const prepare = async (commits: readonly Commit[]): Promise<void> =>
      await share?.identities.prepare({ commits, state: journal.state }, connection, signal);
    await pullInto({ journal, connection, refreshIdentities, prepare }, signal);
    const { state } = journal;
    if (state === undefined) throw new CofferError('NOT_FOUND', 'a vault is empty on the server');
    return Array.from({ length: state.epoch + 1 }, (_, n) => ({ n, secret: journal.epochSecret(n) }));
  } finally {
    db.close();
  }
}
