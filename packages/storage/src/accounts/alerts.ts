import { CofferError } from '@coffer/core';
import type { AccountId, Clock } from '@coffer/core';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';

/** Kept in all; one more, and the oldest that somebody has looked at goes, or else the oldest. */
const maxKept = 1000;
/** Open ones of one kind; further ones join the newest, so that no flood pushes out the others. */
const maxOfKind = 200;

/** What administrators should look at, in ids and fixed words. */
export interface NewAlert {
  readonly kind: string;
  /** Whose it is, when it is an account's. */
  readonly account?: AccountId | undefined;
  readonly address?: string | undefined;
  readonly word?: string | undefined;
  readonly figure?: number | undefined;
}

/** An alert as it is kept. Absent is null. */
export interface Alert {
  readonly id: number;
  readonly atMs: number;
  readonly kind: string;
  /** So many became this one. */
  readonly times: number;
  readonly account: AccountId | null;
  readonly address: string | null;
  readonly word: string | null;
  readonly figure: number | null;
  /** When somebody said to have looked at it. */
  readonly acknowledgedMs: number | null;
  readonly acknowledgedBy: AccountId | null;
}

export interface AlertListDeps {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  readonly ask: <Result>(work: () => Result) => Result;
  /** In one transaction, durable when it returns. */
  readonly change: <Result>(work: () => Result) => Result;
}

const columns =
  'id, at_ms AS atMs, kind, times, account, address, word, figure, acknowledged_ms AS acknowledgedMs, acknowledged_by AS acknowledgedBy';

/** Alerts of the server, kept until somebody has looked at them and room is needed. Bounded. */
export class AlertList {
  readonly #deps: AlertListDeps;

  constructor(deps: AlertListDeps) {
    this.#deps = deps;
  }

  /** Joins an equal one that nobody has looked at. Answers the id. @throws NO_SPACE, BUSY, IO */
  async add(alert: NewAlert): Promise<number> {
    return this.#deps.change(() => {
      const joined = this.#joined(alert);
      if (joined === undefined) return this.#insert(alert);
      const sql = 'UPDATE alerts SET times = times + 1, at_ms = ?, figure = ? WHERE id = ?';
      this.#deps.db.prepare(sql).run(this.#deps.clock.nowMs(), alert.figure ?? null, joined);
      return joined;
    });
  }

  /** Those with an id below `before`, newest first. */
  async list({
    before,
    limit,
  }: {
    readonly before: number | undefined;
    readonly limit: number;
  }): Promise<{ readonly alerts: readonly Alert[]; readonly more: boolean }> {
    return this.#deps.ask(() => {
      const sql = `SELECT ${columns} FROM alerts WHERE id < ? ORDER BY id DESC LIMIT ?`;
      const rows = this.#all<Alert>(sql, before ?? Number.MAX_SAFE_INTEGER, limit + 1);
      return { alerts: rows.slice(0, limit), more: rows.length > limit };
    });
  }

  /** Who looked at it first stays. @throws NOT_FOUND, NO_SPACE, BUSY, IO */
  async acknowledge(id: number, by: AccountId | null): Promise<void> {
    this.#deps.change(() => {
      if (this.#first<{ id: number }>('SELECT id FROM alerts WHERE id = ?', id) === undefined) throw notThere();
      const sql = 'UPDATE alerts SET acknowledged_ms = ?, acknowledged_by = ? WHERE id = ? AND acknowledged_ms IS NULL';
      this.#deps.db.prepare(sql).run(this.#deps.clock.nowMs(), by, id);
    });
  }

  #joined({ kind, account, address, word }: NewAlert): number | undefined {
    const open = 'FROM alerts WHERE acknowledged_ms IS NULL AND kind = ?';
    const same = `SELECT id ${open} AND account IS ? AND address IS ? AND word IS ?`;
    const equal = this.#first<{ id: number }>(same, kind, account ?? null, address ?? null, word ?? null);
    if (equal !== undefined) return equal.id;
    const { count = 0, newest } =
      this.#first<{ count: number; newest: number }>(`SELECT count(*) AS count, max(id) AS newest ${open}`, kind) ?? {};
    return count >= maxOfKind ? newest : undefined;
  }

  #insert({ kind, account, address, word, figure }: NewAlert): number {
    const kept = this.#first<{ count: number }>('SELECT count(*) AS count FROM alerts')?.count ?? 0;
    const oldest = 'DELETE FROM alerts WHERE id = (SELECT id FROM alerts ORDER BY acknowledged_ms IS NULL, id LIMIT 1)';
    if (kept >= maxKept) this.#deps.db.prepare(oldest).run();
    const sql = 'INSERT INTO alerts (at_ms, kind, times, account, address, word, figure) VALUES (?, ?, 1, ?, ?, ?, ?)';
    const values = [account, address, word, figure].map((value) => value ?? null);
    return Number(this.#deps.db.prepare(sql).run(this.#deps.clock.nowMs(), kind, ...values).lastInsertRowid);
  }

  #all<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row[] {
    return allRows<Row>(this.#deps.db.prepare(sql), ...parameters);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as `firstRow`
  #first<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined {
    return firstRow<Row>(this.#deps.db.prepare(sql), ...parameters);
  }
}

function notThere(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such alert', { hint: 'See `coffer admin alerts`.' });
}
