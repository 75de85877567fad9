import type { AccountId, DeviceId } from '@coffer/core';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';
import type { AccountRecord, AccountRole, AccountState, DeviceSeen, Invite, Setting } from './account-record.ts';

interface AccountRow {
  readonly account: Uint8Array;
  readonly username: string;
  readonly display: string;
  readonly role: AccountRole;
  readonly state: AccountState;
  readonly quota_bytes: number | null;
  readonly largest_file_bytes: number | null;
  readonly contact: string;
  readonly folder: string;
  readonly registration_record: Uint8Array;
  readonly unlock_record: Uint8Array;
  readonly auth_epoch: number;
  readonly certificate: Uint8Array | null;
  readonly created_at_ms: number;
  readonly must_change: number;
  readonly removed_at_ms: number | null;
}

/** Columns that may change, by their names in the table. */
export type AccountChange = Partial<
  Pick<
    AccountRow,
    | 'role'
    | 'state'
    | 'quota_bytes'
    | 'largest_file_bytes'
    | 'certificate'
    | 'registration_record'
    | 'unlock_record'
    | 'auth_epoch'
    | 'username'
    | 'display'
    | 'contact'
    | 'folder'
    | 'must_change'
    | 'removed_at_ms'
  >
>;

interface StatementRow {
  readonly account: AccountId;
  readonly seq: number;
  readonly statement: Uint8Array;
}

const accountColumns = `account, username, display, role, state, quota_bytes, largest_file_bytes, contact, folder,
  registration_record, unlock_record, auth_epoch, certificate, created_at_ms,
  must_change, removed_at_ms`;

const inviteColumns = `token_hash AS tokenHash, username, role, quota_bytes AS quotaBytes, created_at_ms AS createdAtMs,
  expires_at_ms AS expiresAtMs, used_at_ms AS usedAtMs, used_by AS usedBy, created_by AS createdBy`;

/** The SQL of accounts.db. Statements are prepared when they are first used. */
export class AccountsTables {
  readonly #db: DatabaseSync;
  /** By their text, of which there are as many as methods below. */
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  byName(username: string): AccountRecord | undefined {
    return recordOf(this.#first<AccountRow>(`SELECT ${accountColumns} FROM accounts WHERE username = ?`, username));
  }

  byId(account: AccountId): AccountRecord | undefined {
    return recordOf(this.#first<AccountRow>(`SELECT ${accountColumns} FROM accounts WHERE account = ?`, account));
  }

  list(): AccountRecord[] {
    return this.#all<AccountRow>(`SELECT ${accountColumns} FROM accounts ORDER BY username`).map(toRecord);
  }

  add(record: AccountRecord): void {
    this.#run(
      `INSERT INTO accounts (${accountColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      record.account,
      record.canonicalUsername,
      record.username,
      record.role,
      record.state,
      record.quotaBytes,
      record.largestFileBytes,
      record.contact,
      record.folder,
      record.registrationRecord,
      record.unlockRecord,
      record.authEpoch,
      record.certificate,
      record.createdAtMs,
      record.mustChange ? 1 : 0,
      record.removedAtMs,
    );
  }

  /** Canonical names of those who were not removed. */
  names(): string[] {
    const sql = 'SELECT username FROM accounts WHERE removed_at_ms IS NULL';
    return this.#all<{ username: string }>(sql).map(({ username }) => username);
  }

  /** Administrators who can act, without `account`. */
  otherAdmins(account: AccountId): number {
    const sql = `SELECT count(*) AS n FROM accounts WHERE role = 'admin' AND state = 'active' AND account <> ?`;
    return this.#first<{ n: number }>(sql, account)?.n ?? 0;
  }

  /** Administrators who can act. */
  admins(): AccountId[] {
    const sql = `SELECT account FROM accounts WHERE role = 'admin' AND state = 'active' ORDER BY username`;
    return this.#all<{ account: AccountId }>(sql).map(({ account }) => account);
  }

  /** Rows changed. */
  update(account: AccountId, values: AccountChange): number {
    const columns = Object.entries(values) as [string, SQLInputValue][];
    const assignments = columns.map(([column]) => `${column} = ?`).join(', ');
    const parameters = columns.map(([, value]) => value);
    return this.#run(`UPDATE accounts SET ${assignments} WHERE account = ?`, ...parameters, account);
  }

  statements(account: AccountId, after: number): Uint8Array[] {
    const sql = 'SELECT statement FROM identity_statements WHERE account = ? AND seq > ? ORDER BY seq';
    return this.#all<StatementRow>(sql, account, after).map(({ statement }) => statement);
  }

  lastStatement(account: AccountId): number {
    const sql = 'SELECT coalesce(max(seq), 0) AS seq FROM identity_statements WHERE account = ?';
    return this.#first<{ seq: number }>(sql, account)?.seq ?? 0;
  }

  addStatement({ account, seq, statement, recorded }: StatementRow & { readonly recorded: boolean }): void {
    const sql = 'INSERT INTO identity_statements (account, seq, statement, recorded) VALUES (?, ?, ?, ?)';
    this.#run(sql, account, seq, statement, recorded ? 1 : 0);
  }

  unrecorded(limit: number): StatementRow[] {
    const sql =
      'SELECT account, seq, statement FROM identity_statements WHERE recorded = 0 ORDER BY account, seq LIMIT ?';
    return this.#all<StatementRow>(sql, limit);
  }

  markRecorded(account: AccountId, seq: number): void {
    this.#run('UPDATE identity_statements SET recorded = 1 WHERE account = ? AND seq = ?', account, seq);
  }

  lastSeen(account: AccountId, device: DeviceId): number | undefined {
    const sql = 'SELECT last_seen_ms AS ms FROM devices_seen WHERE account = ? AND device = ?';
    return this.#first<{ ms: number }>(sql, account, device)?.ms;
  }

  touch({
    account,
    device,
    nowMs,
  }: {
    readonly account: AccountId;
    readonly device: DeviceId;
    readonly nowMs: number;
  }): void {
    const sql = `INSERT INTO devices_seen (account, device, first_seen_ms, last_seen_ms) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET last_seen_ms = excluded.last_seen_ms`;
    this.#run(sql, account, device, nowMs, nowMs);
  }

  devices(account: AccountId): DeviceSeen[] {
    const sql = `SELECT device, first_seen_ms AS firstSeenMs, last_seen_ms AS lastSeenMs FROM devices_seen WHERE account = ?`;
    return this.#all<DeviceSeen>(sql, account);
  }

  /** What was kept about a person beside the account. */
  removeTraces(account: AccountId): void {
    this.#run('DELETE FROM notifications WHERE account = ?', account);
    this.#run('DELETE FROM devices_seen WHERE account = ?', account);
  }

  setting(key: string): Uint8Array | undefined {
    return this.#first<{ value: Uint8Array }>('SELECT value FROM settings WHERE key = ?', key)?.value;
  }

  setSetting(key: string, value: Uint8Array): void {
    const sql = 'INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value';
    this.#run(sql, key, value);
  }

  settingsUnder(prefix: string, limit: number): Setting[] {
    const sql =
      'SELECT key, value FROM settings WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?2';
    return this.#all<Setting>(sql, prefix, limit);
  }

  removeSettings(keys: readonly string[]): void {
    for (const key of keys) this.#run('DELETE FROM settings WHERE key = ?', key);
  }

  invite(tokenHash: Uint8Array): Invite | undefined {
    return this.#first<Invite>(`SELECT ${inviteColumns} FROM invites WHERE token_hash = ?`, tokenHash);
  }

  invites(): Invite[] {
    return this.#all<Invite>(`SELECT ${inviteColumns} FROM invites ORDER BY created_at_ms`);
  }

  addInvite({
    tokenHash,
    username,
    role,
    quotaBytes,
    createdAtMs,
    expiresAtMs,
    createdBy,
  }: Omit<Invite, 'usedAtMs' | 'usedBy'>): void {
    const sql = `INSERT INTO invites (token_hash, username, role, quota_bytes, created_at_ms, expires_at_ms, created_by)
      VALUES (?, ?, ?, ?, ?, ?, ?)`;
    this.#run(sql, tokenHash, username, role, quotaBytes, createdAtMs, expiresAtMs, createdBy);
  }

  /** Rows removed: none when it was used. */
  removeInvite(tokenHash: Uint8Array): number {
    return this.#run('DELETE FROM invites WHERE token_hash = ? AND used_at_ms IS NULL', tokenHash);
  }

  /** Those that this account made and nobody used. */
  removeInvitesBy(account: AccountId): void {
    this.#run('DELETE FROM invites WHERE created_by = ? AND used_at_ms IS NULL', account);
  }

  /** Invites that nobody can use any more, older than `beforeMs`. */
  removeOldInvites(beforeMs: number): void {
    this.#run('DELETE FROM invites WHERE expires_at_ms < ?', beforeMs);
  }

  useInvite({
    tokenHash,
    account,
    nowMs,
  }: {
    readonly tokenHash: Uint8Array;
    readonly account: AccountId;
    readonly nowMs: number;
  }): void {
    this.#run('UPDATE invites SET used_at_ms = ?, used_by = ? WHERE token_hash = ?', nowMs, account, tokenHash);
  }

  /** One more, inside its transaction; answers how many that makes. */
  countChange(): number {
    return this.#first<{ n: number }>('UPDATE changes SET n = n + 1 RETURNING n')?.n ?? 0;
  }

  #all<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row[] {
    return allRows<Row>(this.#prepare(sql), ...parameters);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as `firstRow`
  #first<Row>(sql: string, ...parameters: readonly SQLInputValue[]): Row | undefined {
    return firstRow<Row>(this.#prepare(sql), ...parameters);
  }

  #run(sql: string, ...parameters: readonly SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}

function recordOf(row: AccountRow | undefined): AccountRecord | undefined {
  return row ? toRecord(row) : undefined;
}

function toRecord(row: AccountRow): AccountRecord {
  return {
    account: row.account,
    username: row.display,
    canonicalUsername: row.username,
    role: row.role,
    state: row.state,
    quotaBytes: row.quota_bytes,
    largestFileBytes: row.largest_file_bytes,
    contact: row.contact,
    folder: row.folder,
    registrationRecord: row.registration_record,
    unlockRecord: row.unlock_record,
    authEpoch: row.auth_epoch,
    certificate: row.certificate,
    createdAtMs: row.created_at_ms,
    mustChange: row.must_change === 1,
    removedAtMs: row.removed_at_ms,
  };
}
