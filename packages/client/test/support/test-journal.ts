import { DatabaseSync } from 'node:sqlite';
import { randomId, systemClock, systemRandom, timestampFromMs, zeroHash } from '@coffer/core';
import type { CommitId, DeviceId } from '@coffer/core';
import { ed25519KeyPair, newAccountSecrets, sealCommitBody, xwingKeyPair } from '@coffer/crypto';
import {
  bodyAssociatedData,
  encodeOperations,
  IdentityChains,
  makeCommit,
  makeIdentityStatement,
} from '@coffer/journal';
import type { Commit, CommitHeader, IdentityState, Operation, Ref } from '@coffer/journal';
import { makeGenesis } from '../../src/vaults/genesis.ts';
import { createTables } from '../../src/state/schema.ts';
import { VaultJournal } from '../../src/state/vault-journal.ts';
import type { VaultPin } from '../../src/state/vault-journal.ts';

export interface CommitOptions {
  readonly header?: Partial<CommitHeader>;
  /** Stands for the operations when a body is to be wrong. */
  readonly body?: Uint8Array;
}

/** Writes the journal of a home vault with real keys, without any server. */
export class TestJournal {
  readonly account = randomId<'account'>(systemRandom);
  readonly server = randomId<'server'>(systemRandom);
  readonly secrets = newAccountSecrets(systemRandom);
  readonly chains = new IdentityChains();
  readonly device: DeviceId = randomId(systemRandom);
  readonly deviceSeed = systemRandom.bytes(32);
  readonly deviceKey = ed25519KeyPair(this.deviceSeed);
  /** The own identity chain. */
  readonly statements: Uint8Array[] = [];
  readonly epochSecret: Uint8Array;
  readonly commits: Commit[] = [];

  constructor() {
    const { sign, publicKey } = ed25519KeyPair(this.secrets.identitySeed);
    const place = { v: 1, account: this.account, at: timestampFromMs(1_700_000_000_000) } as const;
    const sealKey = xwingKeyPair(this.secrets.sealSeed).publicKey;
    const created = this.#learn(
      makeIdentityStatement(
        { ...place, type: 'create', seq: 1, prev: zeroHash, server: this.server, signKey: publicKey, sealKey },
        sign,
      ),
    );
    const deps = { clock: systemClock, random: systemRandom };
    const genesis = makeGenesis({ kind: 'home', identity: created, secrets: this.secrets }, deps);
    this.epochSecret = genesis.epochSecret;
    this.commits.push(genesis.commit);
    const { publicKey: signKey } = this.deviceKey;
    const device = { type: 'device', device: this.device, signKey, name: 'test', scope: 'full' } as const;
    this.#learn(makeIdentityStatement({ ...place, ...device, seq: 2, prev: created.head }, sign));
  }

  /** The same keys and beginning, another future. */
  fork(): TestJournal {
    return Object.assign(Object.create(this) as TestJournal, { commits: [...this.commits] });
  }

  get vault(): Uint8Array {
    return this.head.vault;
  }

  get head(): Commit {
    const head = this.commits.at(-1);
    if (head === undefined) throw new TypeError('a journal begins with its genesis');
    return head;
  }

  get identity(): IdentityState {
    const state = this.chains.current(this.account);
    if (state === undefined) throw new TypeError('there is no chain');
    return state;
  }

  /** A commit on top of the head; it becomes the head. */
  commit(operations: readonly Operation[], refs: readonly Ref[], options: CommitOptions = {}): Commit {
    const commit = this.draft(operations, refs, options);
    this.commits.push(commit);
    return commit;
  }

  /** A commit on top of the head that does not become the head. */
  draft(operations: readonly Operation[], refs: readonly Ref[], { header = {}, body }: CommitOptions = {}): Commit {
    const commitId: CommitId = randomId(systemRandom);
    const { account, device, vault } = this;
    const place = { vault, epoch: 0, account, device, commitId };
    const plain = { operations: body ?? encodeOperations(operations), associatedData: bodyAssociatedData(place) };
    const sealed = sealCommitBody({ epochSecret: this.epochSecret, n: 0, ...plain, random: systemRandom });
    const isFirst = this.commits.length === 1;
    const identity: Ref[] = isFirst ? [{ kind: 'identity', subject: account, head: this.identity.head }] : [];
    return makeCommit({
      header: {
        v: 1,
        ...place,
        seq: this.head.header.seq + 1,
        prev: this.head.hash,
        at: timestampFromMs(Date.now()),
        refs: [...identity, ...refs],
        ...header,
      },
      body: sealed,
      sign: this.deviceKey.sign,
    });
  }

  /** Fresh tables that nothing was folded into, of the home vault of this account or what the server says it is. */
  reader(pin?: VaultPin, vault: Uint8Array = this.vault): VaultJournal {
    const db = new DatabaseSync(':memory:');
    createTables(db);
    const { server, account, secrets } = this;
    const key = { server, account, worker: undefined, sealSeed: secrets.sealSeed, given: [] };
    return new VaultJournal(vault, { db, directory: this.chains, key, pin });
  }

  #learn(statement: Uint8Array): IdentityState {
    this.statements.push(statement);
    return this.chains.append(this.account, [statement]);
  }
}

/** As the server delivers it: commit `seq` was received at second `seq`. */
export function pulled(...commits: readonly Commit[]) {
  return commits.map((commit) => ({ bytes: commit.bytes, receivedAtMs: receivedAtMs(commit.header.seq) }));
}

export function receivedAtMs(seq: number): number {
  return 1_700_000_000_000 + seq * 1000;
}
