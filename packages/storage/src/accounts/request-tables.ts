import type { AccountId } from '@coffer/core';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { AccountRequest, RequestId } from './request-record.ts';

/** A request as it is stored, with the auth epoch that the account has now. */
export interface StoredRequest extends AccountRequest {
  readonly currentAuthEpoch: number;
}

/** How many, and when: what is over then is not what somebody waits for. */
interface Listing {
  readonly nowMs: number;
  readonly limit: number;
}

/** Columns that a decision changes, by their names in the table. */
export interface RequestChange {
  readonly state: Exclude<AccountRequest['state'], 'expired'>;
  readonly decided_at_ms?: number;
  readonly decided_by?: AccountId | null;
  readonly reason?: string;
  readonly expires_at_ms?: number;
  readonly active_at_ms?: number;
  readonly sealed?: Uint8Array | null;
  readonly registration_record?: null;
  readonly unlock_record?: null;
}

const columns = `request, r.account AS account, kind, r.state AS state, r.auth_epoch AS authEpoch,
  r.created_at_ms AS createdAtMs, expires_at_ms AS expiresAtMs, active_at_ms AS activeAtMs,
  decided_at_ms AS decidedAtMs, decided_by AS decidedBy, reason, r.registration_record AS registrationRecord,
  r.unlock_record AS unlockRecord, asked_from AS askedFrom, ephemeral_key AS ephemeralKey, token_hash AS tokenHash,
  sealed, a.auth_epoch AS currentAuthEpoch`;

/** Without what only a decision needs: 60 KiB each, and there may be a thousand. */
const listColumns = columns
  .replace('r.registration_record AS', 'NULL AS')
  .replace('r.unlock_record AS', 'NULL AS')
  .replace('sealed,', 'NULL AS sealed,');

const from = 'FROM requests AS r JOIN accounts AS a ON a.account = r.account';

/** What somebody still waits for, as `Requests` sees it: 2 an approved one, 1 an open one, 0 what is over. One parameter: now. */
const standing = `CASE WHEN r.state NOT IN ('open', 'approved') OR expires_at_ms <= ? OR r.auth_epoch <> a.auth_epoch THEN 0
  WHEN r.state = 'open' THEN 1 ELSE 2 END`;

/** The SQL of the table `requests`. */
export class RequestTables {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  byId(request: RequestId): StoredRequest | undefined {
    return firstRow<StoredRequest>(this.#db.prepare(`SELECT ${columns} ${from} WHERE request = ?`), request);
  }

  /** Oldest first; those that nobody decided upon, or that can be finished. */
  undecided(account: AccountId): StoredRequest[] {
    const where = `WHERE r.account = ? AND r.state IN ('open', 'approved')`;
    return this.#all(`SELECT ${columns} ${from} ${where} ORDER BY r.created_at_ms, request`, account);
  }

  /** Newest first; without records and sealed keys. */
  ofAccount(account: AccountId, limit: number): StoredRequest[] {
    const order = 'ORDER BY r.created_at_ms DESC, request DESC LIMIT ?';
    return this.#all(`SELECT ${listColumns} ${from} WHERE r.account = ? ${order}`, account, limit);
  }

  /** Open ones first, then approved ones, then the newest; without records and sealed keys. */
  all({ nowMs, limit }: Listing): StoredRequest[] {
    const order = `ORDER BY CASE ${standing} WHEN 1 THEN 0 WHEN 2 THEN 1 ELSE 2 END, r.created_at_ms DESC, request LIMIT ?`;
    return this.#all(`SELECT ${listColumns} ${from} ${order}`, nowMs, limit);
  }

  add(record: AccountRequest): void {
    this.#run(
      `INSERT INTO requests (request, account, kind, state, auth_epoch, created_at_ms, expires_at_ms,
        registration_record, unlock_record, asked_from, ephemeral_key, token_hash)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.request,
      record.account,
      record.kind,
      'open',
      record.authEpoch,
      record.createdAtMs,
      record.expiresAtMs,
      record.registrationRecord,
      record.unlockRecord,
      record.askedFrom,
      record.ephemeralKey,
      record.tokenHash,
    );
  }

  update(request: RequestId, change: RequestChange): void {
    const entries = Object.entries(change) as [string, SQLInputValue][];
    const assignments = entries.map(([column]) => `${column} = ?`).join(', ');
    this.#run(`UPDATE requests SET ${assignments} WHERE request = ?`, ...entries.map(([, value]) => value), request);
  }

  remove(request: RequestId): void {
    this.#run('DELETE FROM requests WHERE request = ?', request);
  }

  removeOf(account: AccountId): void {
    this.#run('DELETE FROM requests WHERE account = ?', account);
  }

  removeBefore(createdBeforeMs: number): void {
    this.#run('DELETE FROM requests WHERE created_at_ms < ?', createdBeforeMs);
  }

  /** Of what is over, the newest stay. */
  keepOfAccount(account: AccountId, { nowMs, limit }: Listing): void {
    const over = `SELECT request ${from} WHERE r.account = ? AND (${standing}) = 0
      ORDER BY r.created_at_ms DESC, request LIMIT -1 OFFSET ?`;
    this.#run(`DELETE FROM requests WHERE request IN (${over})`, account, nowMs, limit);
  }

  /** Of more than so many what is over goes first, then what was asked from where most was; of equals the newest. Never an approved one. */
  keepInAll({ nowMs, limit }: Listing): void {
    const count = firstRow<{ n: number }>(this.#db.prepare('SELECT count(*) AS n FROM requests'))?.n ?? 0;
    if (count <= limit) return;
    const least = `SELECT request FROM (SELECT request, r.created_at_ms AS at, asked_from, (${standing}) AS standing,
        count(*) OVER (PARTITION BY asked_from) AS together ${from})
      WHERE standing < 2 ORDER BY standing, asked_from IS NULL, together DESC, at DESC, request LIMIT ?`;
    this.#run(`DELETE FROM requests WHERE request IN (${least})`, nowMs, count - limit);
  }

  #all(sql: string, ...parameters: readonly SQLInputValue[]): StoredRequest[] {
    return allRows<StoredRequest>(this.#db.prepare(sql), ...parameters);
  }

  #run(sql: string, ...parameters: readonly SQLInputValue[]): void {
    this.#db.prepare(sql).run(...parameters);
  }
}
