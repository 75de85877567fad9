import type { AccountId, Clock, DeviceId } from '@coffer/core';
import { CofferError, dayMs, equalBytes, idKey, isCofferError, systemClock } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import type { IdentityState } from '@coffer/journal';
import { KeyedQueue } from '../vaults/keyed-queue.ts';
import type {
  AccountRecord,
  AccountRole,
  AccountState,
  DeviceSeen,
  Invite,
  NewAccount,
  Setting,
} from './account-record.ts';
import { activateCredentials } from './activate-credentials.ts';
import type { Credentials } from './activate-credentials.ts';
import { AccountsDatabase } from './accounts-database.ts';
import type { AccountsDatabaseOptions } from './accounts-database.ts';
import type { AccountChange, AccountsTables } from './accounts-tables.ts';
import { AlertList } from './alerts.ts';
import { checkInvite } from './check-invite.ts';
import { LeftVaults } from './left-vaults.ts';
import { newRecord } from './new-record.ts';
import { NotificationList } from './notifications.ts';
import { rotateIdentity } from './rotate-identity.ts';
import type { IdentityRotation } from './rotate-identity.ts';
import { RequestTables } from './request-tables.ts';
import { Requests } from './requests.ts';
import { ToldState } from './told-state.ts';
import { canonicalUsername, checkNewUsername, usernameSkeleton } from './username.ts';

/** Invites at once; each is a row, and an administrator's mistake in a loop must not fill the disk. */
const maxInvites = 1000;
/** How long an invite that expired or was used is still told apart from one that never was. */
const rememberInvitesMs = 30 * dayMs;

/** A device's last use is written at most this often: it is for people, and each write is an fsync. */
const seenGranularityMs = 60_000;

export interface AccountsOptions {
  readonly clock?: Clock;
  /** Makes a statement durable among the packs before it takes effect here (STORAGE §Pack, kind 4). */
  readonly recordStatement?: (account: AccountId, statement: Uint8Array) => Promise<void>;
  /** The disk refused a change: nothing may be acknowledged any more. */
  readonly onFailed?: (error: unknown) => void;
}

export type NewInvite = Omit<Invite, 'createdAtMs' | 'usedAtMs' | 'usedBy' | 'createdBy'> &
  Partial<Pick<Invite, 'createdBy'>>;

export interface UseInvite {
  readonly tokenHash: Uint8Array;
  readonly account: NewAccount;
  /** When the invite says none; null: no limit. */
  readonly defaultQuotaBytes?: number | null;
}

/**
 * Who there is: accounts, identity chains, devices, settings, invites. Every change is durable when its promise
 * resolves. Several processes may have the same storage open: an administrator's command works beside a running daemon.
 */
export class Accounts implements AsyncDisposable {
  /** What each of them is told. */
  readonly notifications: NotificationList;
  /** What administrators should look at. */
  readonly alerts: AlertList;
  /** What people were told already. */
  readonly told: ToldState;
  /** Who has left which vault. */
  readonly leftVaults: LeftVaults;
  readonly #database: AccountsDatabase;
  readonly #tables: AccountsTables;
  readonly #requestTables: RequestTables;
  readonly #clock: Clock;
  readonly #recordStatement: AccountsOptions['recordStatement'];
  readonly #statements = new KeyedQueue();

  private constructor(database: AccountsDatabase, { clock = systemClock, recordStatement }: AccountsOptions) {
    const { db, tables, ask, change } = database;
    this.#database = database;
    this.#tables = tables;
    this.#requestTables = new RequestTables(db);
    this.#clock = clock;
    this.#recordStatement = recordStatement;
    this.notifications = new NotificationList({ db, clock, ask, change });
    this.alerts = new AlertList({ db, clock, ask, change });
    this.told = new ToldState({ db, clock, ask, change });
    this.leftVaults = new LeftVaults({ db, clock, ask, change });
  }

  /** `path` is the storage folder. @throws NOT_FOUND (no storage there), UPGRADE_REQUIRED, DAMAGED, IO */
  static async open(path: string, options: AccountsOptions = {}): Promise<Accounts> {
    return new Accounts(await AccountsDatabase.open(path, databaseOptions(options)), options);
  }

  /** As {@link open}, and makes the database when there is none. Part of making a storage. */
  static async openNew(path: string, options: AccountsOptions = {}): Promise<Accounts> {
    return new Accounts(AccountsDatabase.openNew(path, databaseOptions(options)), options);
  }

  /** @throws EXISTS (name or id), INVALID (name, identity chain) */
  async create(account: NewAccount): Promise<AccountRecord> {
    const identity = foldChain(account.identity);
    return this.#database.change(() => this.#insert(identity, account));
  }

  /** By any spelling of the name; `undefined` also for what is no username. */
  async byName(username: string): Promise<AccountRecord | undefined> {
    const canonical = tryCanonical(username);
    return canonical === undefined ? undefined : this.#database.ask(() => this.#tables.byName(canonical));
  }

  async byId(account: AccountId): Promise<AccountRecord | undefined> {
    return this.#database.ask(() => this.#tables.byId(account));
  }

  /** Accounts by name; those that were removed only when asked for. */
  async list({ removed = false } = {}): Promise<readonly AccountRecord[]> {
    const all = this.#database.ask(() => this.#tables.list());
    return removed ? all : all.filter(({ removedAtMs }) => removedAtMs === null);
  }

  /** Administrators who can act. */
  async admins(): Promise<readonly AccountId[]> {
    return this.#database.ask(() => this.#tables.admins());
  }

  /** Who is suspended takes their unused invites along. @throws NOT_FOUND, NOT_ALLOWED for the last administrator */
  async setState(account: AccountId, state: AccountState): Promise<void> {
    this.#update(account, { state });
  }

  /** Who is no administrator any more takes their unused invites along. @throws NOT_FOUND, NOT_ALLOWED for the last administrator */
  async setRole(account: AccountId, role: AccountRole): Promise<void> {
    this.#update(account, { role });
  }

  /** Another name for the same account; the old one is free. @throws NOT_FOUND, INVALID, EXISTS for a name that is taken, or read as one that is */
  async rename(account: AccountId, name: string): Promise<void> {
    const username = canonicalUsername(name);
    checkNewUsername(username);
    this.#database.change(() => {
      const own = this.#require(account).canonicalUsername;
      this.#checkFree(username, own);
      this.#tables.update(account, { username, display: name });
    });
  }

  /**
   * For good: the name is free, password record and sealed secrets are gone, requests and unused invites with them. The row and the identity chain stay, since
   * journals of others name this account as an author. @throws NOT_FOUND, NOT_ALLOWED for the last administrator
   */
  async remove(account: AccountId): Promise<void> {
    const none = new Uint8Array(0);
    const records = { registration_record: none, unlock_record: none, certificate: null };
    const gone = { ...records, state: 'suspended', role: 'user', contact: '', folder: '', display: '' } as const;
    // No username can begin like this.
    const tombstone = { username: `~${idKey(account)}`, removed_at_ms: this.#clock.nowMs() };
    this.#update(account, { ...gone, ...tombstone }, () => {
      this.#requestTables.removeOf(account);
      this.#tables.removeTraces(account);
    });
  }

  /** Requests that somebody decides upon. */
  get requests(): Requests {
    return new Requests({
      tables: this.#requestTables,
      accounts: this.#tables,
      clock: this.#clock,
      ask: this.#database.ask,
      change: this.#database.change,
    });
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
  async setCredentials(credentials: Credentials): Promise<number> {
    return this.#database.change(() => activateCredentials(this.#tables, credentials));
  }

  /** Statements with a seq above `after`, in order. Synchronous: judging a commit asks it. */
  identityStatements(account: AccountId, after = 0): readonly Uint8Array[] {
    return this.#database.ask(() => this.#tables.statements(account, after));
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

  /**
   * New identity keys: the statement that says so, the records that hold the new secrets, and the end of the authority's
   * certificate and of every change of the password that is under way, in one step. One that happened already succeeds again.
   * @throws NOT_FOUND, INVALID, INTEGRITY, CONFLICT when the password or the chain was changed meanwhile
   */
  async rotateIdentity(rotation: IdentityRotation): Promise<{ readonly seq: number }> {
    const recordStatement = this.#recordStatement;
    const parts = { tables: this.#tables, change: this.#database.change, recordStatement };
    return this.#statements.run(idKey(rotation.account), () => rotateIdentity(rotation, parts));
  }

  async #appendIdentity(account: AccountId, statement: Uint8Array): Promise<{ readonly seq: number }> {
    const known = this.identityStatements(account);
    const last = known.at(-1);
    if (!last) throw unknownAccount();
    if (equalBytes(last, statement)) return { seq: known.length };
    const { seq } = foldChain([statement], foldChain(known));
    await this.#recordStatement?.(account, statement);
    const recorded = this.#recordStatement !== undefined;
    this.#database.change(() => {
      if (this.#tables.lastStatement(account) !== seq - 1)
        throw new CofferError('CONFLICT', 'the identity chain has grown meanwhile');
      this.#tables.addStatement({ account, seq, statement, recorded });
    });
    return { seq };
  }

  /** Puts back the next statement of a chain that a pack holds and this database lost. @throws INVALID, INTEGRITY */
  async restoreIdentity(account: AccountId, statement: Uint8Array): Promise<void> {
    const { seq } = foldChain([statement], foldChain(this.identityStatements(account)));
    this.#database.change(() => this.#tables.addStatement({ account, seq, statement, recorded: true }));
  }

  /** Statements that no pack holds yet: made by a process that had no packs open. */
  async unrecordedStatements(
    limit: number,
  ): Promise<readonly { account: AccountId; seq: number; statement: Uint8Array }[]> {
    return this.#database.ask(() => this.#tables.unrecorded(limit));
  }

  async markRecorded(account: AccountId, seq: number): Promise<void> {
    this.#database.change(() => this.#tables.markRecorded(account, seq));
  }

  /** Notes that the device was here now; written at most once a minute. */
  async touchDevice(account: AccountId, device: DeviceId): Promise<void> {
    const now = this.#clock.nowMs();
    const seen = this.#database.ask(() => this.#tables.lastSeen(account, device));
    if (seen !== undefined && now >= seen && now - seen < seenGranularityMs) return;
    try {
      this.#database.change(() => this.#tables.touch({ account, device, nowMs: now }));
    } catch (error) {
      // A login does not fail because the disk is full.
      if (!isCofferError(error, 'NO_SPACE')) throw error;
    }
  }

  async devicesSeen(account: AccountId): Promise<readonly DeviceSeen[]> {
    return this.#database.ask(() => this.#tables.devices(account));
  }

  async setting(key: string): Promise<Uint8Array | undefined> {
    return this.#database.ask(() => this.#tables.setting(key));
  }

  async setSetting(key: string, value: Uint8Array): Promise<void> {
    this.#database.change(() => this.#tables.setSetting(key, value));
  }

  /** Settings whose names begin so, by name. */
  async settingsUnder(prefix: string, limit: number): Promise<readonly Setting[]> {
    return this.#database.ask(() => this.#tables.settingsUnder(prefix, limit));
  }

  /** Those that are gone already are no error. */
  async removeSettings(keys: readonly string[]): Promise<void> {
    this.#database.change(() => this.#tables.removeSettings(keys));
  }

  /** @throws EXISTS for this invite, or when its name is taken already; INVALID for what is no name; LIMIT */
  async createInvite(invite: NewInvite): Promise<void> {
    const username = invite.username === null ? undefined : canonicalUsername(invite.username);
    if (username !== undefined) checkNewUsername(username);
    this.#database.change(() => {
      if (this.#tables.invite(invite.tokenHash)) throw new CofferError('EXISTS', 'this invite exists');
      if (username !== undefined) this.#checkFree(username);
      this.#tables.removeOldInvites(this.#clock.nowMs() - rememberInvitesMs);
      if (this.#tables.invites().length >= maxInvites) {
        throw new CofferError('LIMIT', 'there are too many invites', {
          hint: 'Withdraw some with `coffer admin invites revoke`, or wait until they are forgotten 30 days after they expired.',
        });
      }
      this.#tables.addInvite({ createdBy: null, ...invite, createdAtMs: this.#clock.nowMs() });
    });
  }

  /** Nobody can use it any more. @throws NOT_FOUND, also when it was used */
  async revokeInvite(tokenHash: Uint8Array): Promise<void> {
    this.#database.change(() => {
      if (this.#tables.removeInvite(tokenHash) === 0)
        throw new CofferError('NOT_FOUND', 'there is no such invite, or it was used', {
          hint: 'See `coffer admin invites`.',
        });
    });
  }

  /** What {@link redeemInvite} would refuse about the invite itself. @throws NOT_FOUND, EXPIRED, NOT_ALLOWED */
  async checkInvite(tokenHash: Uint8Array, username: string): Promise<void> {
    checkInvite(await this.invite(tokenHash), { username, nowMs: this.#clock.nowMs() });
  }

  /** Whether an account may take this name. @throws INVALID, EXISTS */
  async checkUsername(name: string): Promise<void> {
    const username = canonicalUsername(name);
    checkNewUsername(username);
    this.#database.ask(() => this.#checkFree(username));
  }

  async invite(tokenHash: Uint8Array): Promise<Invite | undefined> {
    return this.#database.ask(() => this.#tables.invite(tokenHash));
  }

  async invites(): Promise<readonly Invite[]> {
    return this.#database.ask(() => this.#tables.invites());
  }

  /** Makes the account that an invite is for and uses the invite up, in one step. @throws NOT_FOUND, EXPIRED, NOT_ALLOWED, EXISTS, INVALID */
  async redeemInvite({ tokenHash, account, defaultQuotaBytes = null }: UseInvite): Promise<AccountRecord> {
    const identity = foldChain(account.identity);
    return this.#database.change(() => {
      const invite = this.#tables.invite(tokenHash);
      checkInvite(invite, { username: account.username, nowMs: this.#clock.nowMs() });
      const quotaBytes = invite.quotaBytes ?? defaultQuotaBytes;
      const created = this.#insert(identity, { ...account, role: invite.role, quotaBytes });
      this.#tables.useInvite({ tokenHash, account: created.account, nowMs: this.#clock.nowMs() });
      return created;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#database[Symbol.dispose]();
  }

  #insert(identity: IdentityState, account: NewAccount): AccountRecord {
    const username = canonicalUsername(account.username);
    checkNewUsername(username);
    this.#checkFree(username);
    if (this.#tables.byId(identity.account)) throw new CofferError('EXISTS', 'this account exists');
    const record = newRecord({ account, identity, username, nowMs: this.#clock.nowMs() });
    this.#tables.add(record);
    account.identity.forEach((statement, index) => {
      this.#tables.addStatement({ account: record.account, seq: index + 1, statement, recorded: false });
    });
    return record;
  }

  #update(account: AccountId, values: AccountChange, also?: () => void): void {
    this.#database.change(() => {
      const before = this.#require(account);
      const { role = before.role, state = before.state } = values;
      const wasAdmin = before.role === 'admin' && before.state === 'active';
      const staysAdmin = role === 'admin' && state === 'active';
      // In the transaction of the change: two administrators who remove each other at once must not both succeed.
      if (wasAdmin && !staysAdmin && this.#tables.otherAdmins(account) === 0) throw lastAdmin();
      this.#tables.update(account, values);
      // What they gave away would go on making accounts, administrators too.
      if (!staysAdmin) this.#tables.removeInvitesBy(account);
      also?.();
    });
  }

  /** @throws EXISTS for a name that is taken by another than `own`, or that a reader takes for it */
  #checkFree(username: string, own?: string): void {
    const skeleton = usernameSkeleton(username);
    for (const name of this.#tables.names()) {
      if (name === own) continue;
      if (name === username) throw new CofferError('EXISTS', 'this username is taken', { hint: 'Choose another one.' });
      if (usernameSkeleton(name) === skeleton)
        throw new CofferError('EXISTS', 'this username reads like one that is taken', {
          hint: 'Choose one that differs in more than 0 and o, or 1, l and i.',
        });
    }
  }

  #require(account: AccountId): AccountRecord {
    const record = this.#database.ask(() => this.#tables.byId(account));
    if (record?.removedAtMs !== null) throw unknownAccount();
    return record;
  }
}

function databaseOptions({ clock = systemClock, onFailed }: AccountsOptions): AccountsDatabaseOptions {
  return { clock, onFailed };
}

function lastAdmin(): CofferError {
  return new CofferError('NOT_ALLOWED', 'this is the last administrator', {
    hint: 'Make another account an administrator first: `coffer admin user role NAME admin`.',
  });
}

function tryCanonical(username: string): string | undefined {
  try {
    return canonicalUsername(username);
  } catch {
    return undefined;
  }
}

function unknownAccount(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such account');
}
