import type { AccountId, VaultId } from '@coffer/core';
import { sha256 } from '@coffer/core';
import type { Accounts } from '../accounts/accounts.ts';
import type { Facts, PackProgress } from '../facts/facts.ts';
import type { RecordPlace } from '../facts/retention-facts.ts';
import { recordKinds } from '../packs/pack-format.ts';
import type { SpaceGuard } from '../space-guard.ts';
import type { Statement } from '../statement.ts';
import { encodeStatement } from '../statement.ts';
import type { JournalWrites } from './journal-writes.ts';

/** Statements recorded in one go when another process made them. */
const batch = 100;

export interface StatementWritesDeps {
  readonly facts: Pick<Facts, 'advancePacks' | 'setAsideCommits'>;
  readonly accounts: Pick<Accounts, 'unrecordedStatements' | 'markRecorded'>;
  readonly space: SpaceGuard;
  readonly journal: JournalWrites;
  readonly receiveMs: () => number;
  /** @throws when nothing may be written any more */
  readonly checkAlive: () => void;
}

interface SetAside {
  readonly vault: VaultId;
  readonly places: readonly RecordPlace[];
}

interface Made {
  readonly statement: Statement;
  /** Its effect, together with the progress of the packs. */
  readonly apply: (packs: readonly PackProgress[]) => Promise<void>;
}

/** What accounts.db knows and the packs must know too: identity chains and generations (STORAGE §Pack, kind 4). */
export class StatementWrites {
  readonly #deps: StatementWritesDeps;

  constructor(deps: StatementWritesDeps) {
    this.#deps = deps;
  }

  /** Makes a statement durable among the packs of the account. @throws NO_SPACE, IO */
  async record(account: AccountId, statement: Statement): Promise<void> {
    const { facts } = this.#deps;
    await this.#write(account, { statement, apply: (packs) => facts.advancePacks(packs) });
  }

  /** These records of commits among the packs of the account count for nothing from now on. @throws NO_SPACE, IO */
  async setAside(account: AccountId, { vault, places }: SetAside): Promise<void> {
    const { facts } = this.#deps;
    const named = places.map(({ pack, offset }): [string, number] => [pack, offset]);
    const apply: Made['apply'] = (packs) => facts.setAsideCommits(places, packs);
    await this.#write(account, { statement: { type: 'set-aside', vault, places: named }, apply });
  }

  async #write(account: AccountId, { statement, apply }: Made): Promise<void> {
    const { space, journal, receiveMs, checkAlive } = this.#deps;
    checkAlive();
    await space.tend();
    const payload = encodeStatement(statement);
    const head = { kind: recordKinds.statement, vault: new Uint8Array(32), id: sha256(payload), uploader: account };
    await journal.write(account, {
      records: [{ ...head, receivedAtMs: receiveMs(), payload: [payload] }],
      apply: (_places, packs) => apply(packs),
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
