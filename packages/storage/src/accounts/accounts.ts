import type { AccountId, Clock, DeviceId } from '@coffer/core';
import { CofferError, equalBytes, idKey, isCofferError, systemClock } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import type { IdentityState } from '@coffer/journal';
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { backupBeforeMigration } from '../backup/backup-before-migration.ts';
import { databaseError, inTransaction, openDatabase } from '../sqlite/database.ts';
import { KeyedQueue } from '../vaults/keyed-queue.ts';
import { accountsPath, serverIdPath } from '../storage-folder.ts';
import type { AccountRecord, AccountRole, AccountState, DeviceSeen, Invite, NewAccount } from './account-record.ts';
import { AccountsTables } from './accounts-tables.ts';
import { accountsMigrations } from './accounts-schema.ts';
import { NotificationList } from './notifications.ts';
import { canonicalUsername } from './username.ts';

/** A device's last use is written at most this often: it is for people, and each write is an fsync. */
const seenGranularityMs = 60_000;

export interface AccountsOptions {
  readonly clock?: Clock;
  /** Makes a statement durable among the packs before it takes effect here (STORAGE §Pack, kind 4). */
  readonly recordStatement?: (account: AccountId, statement: Uint8Array) => Promise<void>;
  /** The disk refused a change: nothing may be acknowledged any more. */
  readonly onFailed?: (error: unknown) => void;
}

export interface Credentials {
  readonly account: AccountId;
  readonly registrationRecord: Uint8Array;
  readonly unlockRecord: Uint8Array;
  /** The change is refused when another one came first. */
  readonly expectedAuthEpoch: number;
}

export interface UseInvite {
  readonly tokenHash: Uint8Array;
  readonly account: NewAccount;
}

/**
 * Who there is: accounts, identity chains, devices, settings, invites. Every change is durable when its promise
 * resolves. Several processes may have the same storage open: an administrator's command works beside a running daemon.
 */
export class Accounts implements AsyncDisposable {
  /** What each of them is told. */
  readonly notifications: NotificationList;
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #tables: AccountsTables;
  readonly #clock: Clock;
  readonly #recordStatement: AccountsOptions['recordStatement'];
  readonly #onFailed: AccountsOptions['onFailed'];
  readonly #statements = new KeyedQueue();
  #closed = false;

  private constructor(path: string, { clock = systemClock, recordStatement, onFailed }: AccountsOptions) {
    this.#path = accountsPath(path);
    this.#db = openDatabase({
      path: this.#path,
      migrations: accountsMigrations,
      table: 'accounts',
      synchronous: 'FULL',
    });
    this.#tables = new AccountsTables(this.#db);
    this.#clock = clock;
    this.#recordStatement = recordStatement;
    this.#onFailed = onFailed;
    this.notifications = new NotificationList({
      db: this.#db,
      clock,
      ask: (work) => this.#ask(work),
      change: (work) => this.#change(work),
    });
  }

  /** `path` is the storage folder. @throws NOT_FOUND (no storage there), UPGRADE_REQUIRED, DAMAGED, IO */
  static async open(path: string, options: AccountsOptions = {}): Promise<Accounts> {
    if (!existsSync(accountsPath(path)) && existsSync(serverIdPath(path))) throw lostAccounts(path);
    if (!existsSync(accountsPath(path))) {
      throw new CofferError('NOT_FOUND', 'there is no storage in this folder', {
        hint: 'Run `coffer admin init` first, or name the right folder.',
        details: { path },
      });
    }
    await backupBeforeMigration(path, { migrations: accountsMigrations, clock: options.clock ?? systemClock });
    return new Accounts(path, options);
  }

  /** As {@link open}, and makes the database when there is none. Part of making a storage. */
  static async openNew(path: string, options: AccountsOptions = {}): Promise<Accounts> {
    return new Accounts(path, options);
  }

  /** @throws EXISTS (name or id), INVALID (name, identity chain) */
  async create(account: NewAccount): Promise<AccountRecord> {
    const identity = foldChain(account.identity);
    return this.#change(() => this.#insert(identity, account));
  }

  /** By any spelling of the name; `undefined` also for what is no username. */
  async byName(username: string): Promise<AccountRecord | undefined> {
    const canonical = tryCanonical(username);
    return canonical === undefined ? undefined : this.#ask(() => this.#tables.byName(canonical));
  }

  async byId(account: AccountId): Promise<AccountRecord | undefined> {
    return this.#ask(() => this.#tables.byId(account));
  }

  /** All accounts by name. */
  async list(): Promise<readonly AccountRecord[]> {
    return this.#ask(() => this.#tables.list());
  }

  /** @throws NOT_FOUND */
  async setState(account: AccountId, state: AccountState): Promise<void> {
    this.#update(account, { state });
  }

  /** @throws NOT_FOUND */
  async setRole(account: AccountId, role: AccountRole): Promise<void> {
    this.#update(account, { role });
  }

  /** Null: no limit. @throws NOT_FOUND */
  async setQuota(account: AccountId, quotaBytes: number | null): Promise<void> {
    this.#update(account, { quota_bytes: quotaBytes });
  }

  /** Largest stored content of one file; null: no limit. @throws NOT_FOUND */
  async setLargestFile(account: AccountId, largestFileBytes: number | null): Promise<void> {
    this.#update(account, { largest_file_bytes: largestFileBytes });
  }

  /** @throws NOT_FOUND */
  async setCertificate(account: AccountId, certificate: Uint8Array | null): Promise<void> {
    this.#update(account, { certificate });
  }

  /** New login and unlock records, and the next auth epoch. @throws NOT_FOUND, CONFLICT */
  async setCredentials({ account, registrationRecord, unlockRecord, expectedAuthEpoch }: Credentials): Promise<number> {
    return this.#change(() => {
      const { authEpoch } = this.#require(account);
      if (authEpoch !== expectedAuthEpoch) throw new CofferError('CONFLICT', 'the password was changed meanwhile');
      const next = authEpoch + 1;
      const records = { registration_record: registrationRecord, unlock_record: unlockRecord, auth_epoch: next };
      this.#tables.update(account, records);
      return next;
    });
  }

  /** Statements with a seq above `after`, in order. Synchronous: judging a commit asks it. */
  identityStatements(account: AccountId, after = 0): readonly Uint8Array[] {
    return this.#ask(() => this.#tables.statements(account, after));
  }

  /** The account's chain, folded. @throws NOT_FOUND */
  async identity(account: AccountId): Promise<IdentityState> {
    this.#require(account);
    return foldChain(this.identityStatements(account));
  }

  /** Adds the next statement of the chain. One that is already its last succeeds again. @throws NOT_FOUND, INVALID, INTEGRITY, CONFLICT */
  async appendIdentity(account: AccountId, statement: Uint8Array): Promise<{ readonly seq: number }> {
    // One at a time: two statements for one place must not both reach the packs.
    return this.#statements.run(idKey(account), () => this.#appendIdentity(account, statement));
  }

  async #appendIdentity(account: AccountId, statement: Uint8Array): Promise<{ readonly seq: number }> {
    const known = this.identityStatements(account);
    const last = known.at(-1);
    if (!last) throw unknownAccount();
    if (equalBytes(last, statement)) return { seq: known.length };
    const { seq } = foldChain([statement], foldChain(known));
    await this.#recordStatement?.(account, statement);
    const recorded = this.#recordStatement !== undefined;
    this.#change(() => {
      if (this.#tables.lastStatement(account) !== seq - 1)
        throw new CofferError('CONFLICT', 'the identity chain has grown meanwhile');
      this.#tables.addStatement({ account, seq, statement, recorded });
    });
    return { seq };
  }

  /** Puts back the next statement of a chain that a pack holds and this database lost. @throws INVALID, INTEGRITY */
  async restoreIdentity(account: AccountId, statement: Uint8Array): Promise<void> {
    const { seq } = foldChain([statement], foldChain(this.identityStatements(account)));
    this.#change(() => this.#tables.addStatement({ account, seq, statement, recorded: true }));
  }

  /** Statements that no pack holds yet: made by a process that had no packs open. */
  async unrecordedStatements(
    limit: number,
  ): Promise<readonly { account: AccountId; seq: number; statement: Uint8Array }[]> {
    return this.#ask(() => this.#tables.unrecorded(limit));
  }

  async markRecorded(account: AccountId, seq: number): Promise<void> {
    this.#change(() => this.#tables.markRecorded(account, seq));
  }

  /** Notes that the device was here now; written at most once a minute. */
  async touchDevice(account: AccountId, device: DeviceId): Promise<void> {
    const now = this.#clock.nowMs();
    const seen = this.#ask(() => this.#tables.lastSeen(account, device));
    if (seen !== undefined && now >= seen && now - seen < seenGranularityMs) return;
    try {
      this.#change(() => this.#tables.touch({ account, device, nowMs: now }));
    } catch (error) {
      // A login does not fail because the disk is full.
      if (!isCofferError(error, 'NO_SPACE')) throw error;
    }
  }

  async devicesSeen(account: AccountId): Promise<readonly DeviceSeen[]> {
    return this.#ask(() => this.#tables.devices(account));
  }

  async setting(key: string): Promise<Uint8Array | undefined> {
    return this.#ask(() => this.#tables.setting(key));
  }

  async setSetting(key: string, value: Uint8Array): Promise<void> {
    this.#change(() => this.#tables.setSetting(key, value));
  }

  /** @throws EXISTS */
  async createInvite(invite: Omit<Invite, 'createdAtMs' | 'usedAtMs' | 'usedBy'>): Promise<void> {
    this.#change(() => {
      if (this.#tables.invite(invite.tokenHash)) throw new CofferError('EXISTS', 'this invite exists');
      this.#tables.addInvite({ ...invite, createdAtMs: this.#clock.nowMs() });
    });
  }

  async invite(tokenHash: Uint8Array): Promise<Invite | undefined> {
    return this.#ask(() => this.#tables.invite(tokenHash));
  }

  async invites(): Promise<readonly Invite[]> {
    return this.#ask(() => this.#tables.invites());
  }

  /** Makes the account that an invite is for and uses the invite up, in one step. @throws NOT_FOUND, EXPIRED, NOT_ALLOWED, EXISTS, INVALID */
  async redeemInvite({ tokenHash, account }: UseInvite): Promise<AccountRecord> {
    const identity = foldChain(account.identity);
    return this.#change(() => {
      const invite = this.#tables.invite(tokenHash);
      checkInvite(invite, { username: account.username, nowMs: this.#clock.nowMs() });
      const created = this.#insert(identity, { ...account, role: invite.role, quotaBytes: invite.quotaBytes });
      this.#tables.useInvite({ tokenHash, account: created.account, nowMs: this.#clock.nowMs() });
      return created;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#db.close();
  }

  #insert(identity: IdentityState, account: NewAccount): AccountRecord {
    const username = canonicalUsername(account.username);
    if (this.#tables.byName(username)) throw new CofferError('EXISTS', 'this username is taken');
    if (this.#tables.byId(identity.account)) throw new CofferError('EXISTS', 'this account exists');
    const record = newRecord({ account, identity, username, nowMs: this.#clock.nowMs() });
    this.#tables.add(record);
    account.identity.forEach((statement, index) => {
      this.#tables.addStatement({ account: record.account, seq: index + 1, statement, recorded: false });
    });
    return record;
  }

  #update(account: AccountId, values: Parameters<AccountsTables['update']>[1]): void {
    this.#change(() => {
      if (this.#tables.update(account, values) === 0) throw unknownAccount();
    });
  }

  #require(account: AccountId): AccountRecord {
    const record = this.#ask(() => this.#tables.byId(account));
    if (!record) throw unknownAccount();
    return record;
  }

  #ask<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  }

  #change<Result>(work: () => Result): Result {
    try {
      return this.#ask(() => inTransaction(this.#db, work));
    } catch (error) {
      if (isCofferError(error, 'IO')) this.#onFailed?.(error);
      throw error;
    }
  }
}

interface NewRecord {
  readonly account: NewAccount;
  readonly identity: IdentityState;
  readonly username: string;
  readonly nowMs: number;
}

function newRecord({ account, identity, username, nowMs }: NewRecord): AccountRecord {
  return {
    account: identity.account,
    username: account.username,
    canonicalUsername: username,
    role: account.role,
    state: 'active',
    quotaBytes: account.quotaBytes ?? null,
    largestFileBytes: account.largestFileBytes ?? null,
    contact: account.contact ?? '',
    folder: account.folder ?? '',
    registrationRecord: account.registrationRecord,
    unlockRecord: account.unlockRecord,
    authEpoch: 0,
    certificate: account.certificate ?? null,
    createdAtMs: nowMs,
  };
}

function checkInvite(
  invite: Invite | undefined,
  { username, nowMs }: { readonly username: string; readonly nowMs: number },
): asserts invite is Invite {
  if (!invite) throw new CofferError('NOT_FOUND', 'this invite is not known');
  if (invite.usedAtMs !== null) throw new CofferError('EXPIRED', 'this invite was used already');
  if (invite.expiresAtMs <= nowMs) throw new CofferError('EXPIRED', 'this invite has expired');
  if (invite.username !== null && canonicalUsername(invite.username) !== canonicalUsername(username)) {
    throw new CofferError('NOT_ALLOWED', 'this invite is for another username');
  }
}

function tryCanonical(username: string): string | undefined {
  try {
    return canonicalUsername(username);
  } catch {
    return undefined;
  }
}

function lostAccounts(path: string): CofferError {
  return new CofferError('DAMAGED', 'the storage has lost its accounts.db', {
    hint: 'Restore it with `coffer admin restore`: it takes the newest backup, and what the packs know beyond it.',
    details: { path },
  });
}

function unknownAccount(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such account');
}
