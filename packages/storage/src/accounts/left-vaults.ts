import type { AccountId, Clock, VaultId } from '@coffer/core';
import type { DatabaseSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';

export interface LeftVaultsDeps {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  readonly ask: <Result>(work: () => Result) => Result;
  /** In one transaction, durable when it returns. */
  readonly change: <Result>(work: () => Result) => Result;
}

/**
 * Who has left which vault by themselves: only its owner can write that into the journal, and until then the server stops
 * serving them. A restore from a backup may have forgotten it: then they are served again until they leave once more.
 */
export class LeftVaults {
  readonly #deps: LeftVaultsDeps;

  constructor(deps: LeftVaultsDeps) {
    this.#deps = deps;
  }

  /** @throws NO_SPACE, BUSY, IO */
  async add(vault: VaultId, account: AccountId): Promise<void> {
    const { db, clock, change } = this.#deps;
    const insert = 'INSERT OR IGNORE INTO left_vaults (vault, account, at_ms) VALUES (?, ?, ?)';
    change(() => db.prepare(insert).run(vault, account, clock.nowMs()));
  }

  /** The owner has taken note, or shares with them again. Nothing happens for somebody who did not leave. @throws NO_SPACE, BUSY, IO */
  async remove(vault: VaultId, account: AccountId): Promise<void> {
    if (!(await this.has(vault, account))) return;
    const { db, change } = this.#deps;
    change(() => db.prepare('DELETE FROM left_vaults WHERE vault = ? AND account = ?').run(vault, account));
  }

  async has(vault: VaultId, account: AccountId): Promise<boolean> {
    const sql = 'SELECT 1 FROM left_vaults WHERE vault = ? AND account = ?';
    return this.#deps.ask(() => firstRow(this.#deps.db.prepare(sql), vault, account) !== undefined);
  }

  /** At most `limit`. */
  async of(vault: VaultId, limit: number): Promise<readonly AccountId[]> {
    const sql = 'SELECT account FROM left_vaults WHERE vault = ? ORDER BY account LIMIT ?';
    const rows = this.#deps.ask(() => allRows<{ account: AccountId }>(this.#deps.db.prepare(sql), vault, limit));
    return rows.map(({ account }) => account);
  }
}
