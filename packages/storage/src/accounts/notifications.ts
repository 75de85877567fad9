import { CofferError } from '@coffer/core';
import type { AccountId, Clock, DeviceId, EntryId, VaultId } from '@coffer/core';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { allRows, firstRow } from '../sqlite/database.ts';

/** Kept for one account; one more, and the least of them goes. */
const maxKept = 500;
/** Unread ones of one kind by one actor; further ones become one, so that nobody fills the list of another. */
const maxByActor = 20;
/** What nobody else can bring about at will. It is never pushed out by the rest. */
const security = [
  'new-device',
  'failed-logins',
  'request-decided',
  'identity-changed',
  'recovery-started',
  'alert',
  'password-changed',
  'change-requested',
] as const;

/** What happened, in ids and fixed words: the server knows no names. */
export interface Notice {
  /** From the fixed vocabulary of the protocol. */
  readonly kind: string;
  /** Who did it, when it was somebody else. */
  readonly actor?: AccountId | undefined;
  readonly vault?: VaultId | undefined;
  readonly entry?: EntryId | undefined;
  readonly device?: DeviceId | undefined;
  readonly request?: Uint8Array | undefined;
  /** A fixed word that says more: a role, a decision. */
  readonly word?: string | undefined;
  /** A number that says more: a percentage, a count of attempts. */
  readonly figure?: number | undefined;
  /** How many of the kind this is; 1 when left out. */
  readonly times?: number | undefined;
}

/** A notice as it is kept. Absent is null. */
export interface Notification {
  /** Grows with every change of the list; of this account alone. */
  readonly id: number;
  readonly atMs: number;
  readonly kind: string;
  readonly read: boolean;
  /** So many notices became this one. */
  readonly times: number;
  readonly actor: AccountId | null;
  readonly vault: VaultId | null;
  readonly entry: EntryId | null;
  readonly device: DeviceId | null;
  readonly request: Uint8Array | null;
  readonly word: string | null;
  readonly figure: number | null;
}

export interface NotificationPage {
  /** Newest first. */
  readonly notifications: readonly Notification[];
  readonly more: boolean;
  readonly unread: number;
}

type Row = Omit<Notification, 'read'> & { readonly read: number };

/** Work on the database that owns the table. */
export interface NotificationsDeps {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  readonly ask: <Result>(work: () => Result) => Result;
  /** In one transaction, durable when it returns. */
  readonly change: <Result>(work: () => Result) => Result;
}

const columns = 'id, at_ms AS atMs, kind, read, times, actor, vault, entry, device, request, word, figure';

/**
 * What every account is told, kept until it is read and room is needed. Bounded for each account: equal unread ones become
 * one, so do the many of one actor, then what was read goes first, then the oldest of what others can bring about.
 */
export class NotificationList {
  readonly #deps: NotificationsDeps;

  constructor(deps: NotificationsDeps) {
    this.#deps = deps;
  }

  /** Answers the id. @throws NO_SPACE, BUSY, IO */
  async add(account: AccountId, notice: Notice): Promise<number> {
    return this.#deps.change(() => {
      const id = this.#newest(account) + 1;
      const merged = this.#merge(account, notice);
      if (merged !== undefined) this.#remove(account, merged.id);
      else if (this.#count(account) >= maxKept) this.#remove(account, this.#leastOf(account));
      this.#insert(account, {
        id,
        notice: merged?.notice ?? notice,
        times: (merged?.times ?? 0) + (notice.times ?? 1),
      });
      return id;
    });
  }

  /** Those with an id below `before`, newest first. */
  async list(
    account: AccountId,
    { before, limit }: { readonly before: number | undefined; readonly limit: number },
  ): Promise<NotificationPage> {
    return this.#deps.ask(() => {
      const sql = `SELECT ${columns} FROM notifications WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?`;
      const rows = this.#all<Row>(sql, account, before ?? Number.MAX_SAFE_INTEGER, limit + 1);
      const notifications = rows.slice(0, limit).map((row) => ({ ...row, read: row.read !== 0 }));
      return { notifications, more: rows.length > limit, unread: this.#unread(account) };
    });
  }

  /** Marks those from `first` to `last` as read; answers how many are unread now. @throws NOT_FOUND, NO_SPACE, BUSY, IO */
  async markRead(
    account: AccountId,
    { first, last }: { readonly first: number; readonly last: number },
  ): Promise<number> {
    return this.#deps.change(() => {
      const sql = 'UPDATE notifications SET read = 1 WHERE account = ? AND id BETWEEN ? AND ?';
      if (Number(this.#deps.db.prepare(sql).run(account, first, last).changes) === 0) throw notThere();
      return this.#unread(account);
    });
  }

  /** An unread one that this one joins, and what the two are together. */
  #merge(account: AccountId, notice: Notice): { id: number; times: number; notice: Notice } | undefined {
    const { kind, actor, vault, entry, device, request, word } = notice;
    const same = `SELECT ${columns} FROM notifications WHERE account = ? AND read = 0 AND kind = ? AND actor IS ?
      AND vault IS ? AND entry IS ? AND device IS ? AND request IS ? AND word IS ?`;
    const ids = [actor ?? null, vault ?? null, entry ?? null, device ?? null, request ?? null, word ?? null];
    const equal = this.#all<Row>(same, account, kind, ...ids)[0];
    if (equal !== undefined) return { id: equal.id, times: equal.times, notice };
    if (actor === undefined) return undefined;
    const byActor = `SELECT ${columns} FROM notifications WHERE account = ? AND read = 0 AND kind = ? AND actor = ? ORDER BY id DESC`;
    const rows = this.#all<Row>(byActor, account, kind, actor);
    const newest = rows[0];
    return newest === undefined || rows.length < maxByActor
      ? undefined
      : { id: newest.id, times: newest.times, notice: { kind, actor } };
  }

  /** What is missed least: read, then not of security, then old. */
  #leastOf(account: AccountId): number {
    const names = security.map((kind) => `'${kind}'`).join(', ');
    const sql = `SELECT id FROM notifications WHERE account = ? ORDER BY read DESC, kind IN (${names}), id LIMIT 1`;
    return this.#first<{ id: number }>(sql, account)?.id ?? 0;
  }

  #insert(
    account: AccountId,
    { id, notice, times }: { readonly id: number; readonly notice: Notice; readonly times: number },
  ): void {
    const { kind, actor, vault, entry, device, request, word, figure } = notice;
    const sql = `INSERT INTO notifications (account, id, at_ms, kind, read, times, actor, vault, entry, device, request, word, figure)
      VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)`;
    const ids = [actor, vault, entry, device, request].map((value) => value ?? null);
    const values = [account, id, this.#deps.clock.nowMs(), kind, times, ...ids, word ?? null, figure ?? null];
    this.#deps.db.prepare(sql).run(...values);
  }

  #remove(account: AccountId, id: number): void {
    this.#deps.db.prepare('DELETE FROM notifications WHERE account = ? AND id = ?').run(account, id);
  }

  #newest(account: AccountId): number {
    const sql = 'SELECT coalesce(max(id), 0) AS id FROM notifications WHERE account = ?';
    return this.#first<{ id: number }>(sql, account)?.id ?? 0;
  }

  #count(account: AccountId): number {
    return this.#first<{ n: number }>('SELECT count(*) AS n FROM notifications WHERE account = ?', account)?.n ?? 0;
  }

  #unread(account: AccountId): number {
    const sql = 'SELECT count(*) AS n FROM notifications WHERE account = ? AND read = 0';
    return this.#first<{ n: number }>(sql, account)?.n ?? 0;
  }

  #all<One>(sql: string, ...parameters: readonly SQLInputValue[]): One[] {
    return allRows<One>(this.#deps.db.prepare(sql), ...parameters);
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as `firstRow`
  #first<One>(sql: string, ...parameters: readonly SQLInputValue[]): One | undefined {
    return firstRow<One>(this.#deps.db.prepare(sql), ...parameters);
  }
}

function notThere(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such notification', {
    hint: 'See `coffer notifications`; one that was followed by another like it has a new number.',
  });
}
