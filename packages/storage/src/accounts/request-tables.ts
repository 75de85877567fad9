import type { AccountId } from '@coffer/core';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { AccountRequest, RequestId } from './request-record.ts';

/** A request as it is stored, with the auth epoch that the account has now. */
export interface StoredRequest extends AccountRequest {
  readonly currentAuthEpoch: number;
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
  r.unlock_record AS unlockRecord, ephemeral_key AS ephemeralKey, token_hash AS tokenHash, sealed,
  a.auth_epoch AS currentAuthEpoch`;

const from = 'FROM requests AS r JOIN accounts AS a ON a.account = r.account';

/** The SQL of the table `requests`. */
export class RequestTables {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  byId(request: RequestId): StoredRequest | undefined {
    return firstRow<StoredRequest>(this.#db.prepare(`SELECT ${columns} ${from} WHERE request = ?`), request);
  }

  ofAccount(account: AccountId): StoredRequest[] {
    return this.#all(`SELECT ${columns} ${from} WHERE r.account = ? ORDER BY r.created_at_ms, request`, account);
  }

  /** Newest first. */
  all(limit: number): StoredRequest[] {
    return this.#all(`SELECT ${columns} ${from} ORDER BY r.created_at_ms DESC, request LIMIT ?`, limit);
  }

  add(record: AccountRequest): void {
    this.#run(
      `INSERT INTO requests (request, account, kind, state, auth_epoch, created_at_ms, expires_at_ms,
        registration_record, unlock_record, ephemeral_key, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.request,
      record.account,
      record.kind,
      'open',
      record.authEpoch,
      record.createdAtMs,
      record.expiresAtMs,
      record.registrationRecord,
      record.unlockRecord,
      record.ephemeralKey,
      record.tokenHash,
    );
  }

  update(request: RequestId, change: RequestChange): void {
    const entries = Object.entries(change) as [string, SQLInputValue][];
    const assignments = entries.map(([column]) => `${column} = ?`).join(', ');
    this.#run(`UPDATE requests SET ${assignments} WHERE request = ?`, ...entries.map(([, value]) => value), request);
  }

  removeOf(account: AccountId): void {
    this.#run('DELETE FROM requests WHERE account = ?', account);
  }

  removeBefore(createdBeforeMs: number): void {
    this.#run('DELETE FROM requests WHERE created_at_ms < ?', createdBeforeMs);
  }

  #all(sql: string, ...parameters: readonly SQLInputValue[]): StoredRequest[] {
    return allRows<StoredRequest>(this.#db.prepare(sql), ...parameters);
  }

  #run(sql: string, ...parameters: readonly SQLInputValue[]): void {
    this.#db.prepare(sql).run(...parameters);
  }
}
