import type { AccountId } from '@coffer/core';
import { sha256 } from '@coffer/core';
import type { Accounts } from '../accounts/accounts.ts';
import type { Facts } from '../facts/facts.ts';
import { recordKinds } from '../packs/pack-format.ts';
import type { SpaceGuard } from '../space-guard.ts';
import type { Statement } from '../statement.ts';
import { encodeStatement } from '../statement.ts';
import type { JournalWrites } from './journal-writes.ts';

/** Statements recorded in one go when another process made them. */
const batch = 100;

export interface StatementWritesDeps {
  readonly facts: Pick<Facts, 'advancePacks'>;
  readonly accounts: Pick<Accounts, 'unrecordedStatements' | 'markRecorded'>;
  readonly space: SpaceGuard;
  readonly journal: JournalWrites;
  readonly receiveMs: () => number;
  /** @throws when nothing may be written any more */
  readonly checkAlive: () => void;
}

/** What accounts.db knows and the packs must know too: identity chains and generations (STORAGE §Pack, kind 4). */
export class StatementWrites {
  readonly #deps: StatementWritesDeps;

  constructor(deps: StatementWritesDeps) {
    this.#deps = deps;
  }

  /** Makes a statement durable among the packs of the account. @throws NO_SPACE, IO */
  async record(account: AccountId, statement: Statement): Promise<void> {
    const { facts, space, journal, receiveMs, checkAlive } = this.#deps;
    checkAlive();
    await space.tend();
    const payload = encodeStatement(statement);
    const head = { kind: recordKinds.statement, vault: new Uint8Array(32), id: sha256(payload), uploader: account };
    await journal.write(account, {
      records: [{ ...head, receivedAtMs: receiveMs(), payload: [payload] }],
      apply: (_places, packs) => facts.advancePacks(packs),
    });
  }

  /** The same for a link of the account's identity chain. @throws NO_SPACE, IO */
  async recordIdentity(account: AccountId, statement: Uint8Array): Promise<void> {
    await this.record(account, { type: 'identity', account, statement });
  }

  /** Those that another process put into accounts.db while the packs were ours. @throws NO_SPACE, IO */
  async recordPending(): Promise<void> {
    const { accounts } = this.#deps;
    for (;;) {
      const pending = await accounts.unrecordedStatements(batch);
      for (const { account, seq, statement } of pending) {
        await this.recordIdentity(account, statement);
        await accounts.markRecorded(account, seq);
      }
      if (pending.length < batch) return;
    }
  }
}
