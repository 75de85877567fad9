import type { AccountId, Clock } from '@coffer/core';
import { CofferError, dayMs } from '@coffer/core';
import type { AccountsTables } from './accounts-tables.ts';
import { activateCredentials } from './activate-credentials.ts';
import type { AccountRequest, RequestId, RequestState } from './request-record.ts';
import type { RequestTables, StoredRequest } from './request-tables.ts';

/** How long an administrator has to decide, and a person to finish what was approved. */
const validMs = 7 * dayMs;
/** Between the approval of a reset and its effect, so that any full device of the account can still cancel it (CRYPTO §Passwords). */
const resetDelayMs = dayMs;
/** How long what was decided stays in the list. */
const rememberMs = 90 * dayMs;
/** Open resets of one account: strangers can ask, and must neither push out the one that was asked by the person, nor fill the disk. */
const openResets = 256;
/** The oldest of them stay whoever asks later; beyond, the newest stay, so that who asks after strangers have filled the list has time to call. */
const settledResets = 192;
/** Of one address: who asks again needs the newest. */
const openResetsOfAddress = 4;
/** What is over, of one account: it is told, and of no use. */
const rememberedOfAccount = 64;
/** Requests of all accounts together: with 2 KiB each about 20 MiB. */
const maxRequests = 10_000;
/** Requests in one list. */
const listed = 1000;
/** Of one account; the protocol's limit of an answer. */
const listedOfAccount = 200;

export interface RequestsDeps {
  readonly tables: RequestTables;
  readonly accounts: AccountsTables;
  readonly clock: Clock;
  readonly ask: <Result>(work: () => Result) => Result;
  /** In one write transaction. */
  readonly change: <Result>(work: () => Result) => Result;
}

export interface NewChange {
  readonly request: RequestId;
  readonly account: AccountId;
  readonly registrationRecord: Uint8Array;
  readonly unlockRecord: Uint8Array;
  readonly expectedAuthEpoch: number;
}

export interface NewReset {
  readonly request: RequestId;
  readonly account: AccountId;
  readonly ephemeralKey: Uint8Array;
  readonly tokenHash: Uint8Array;
  /** The network: whoever has it is taken for one. */
  readonly askedFrom: string;
}

export interface Decision {
  readonly request: RequestId;
  /** Null: on the server's machine. */
  readonly by: AccountId | null;
}

export interface ApproveReset extends Decision {
  /** The root key, sealed to the new device. */
  readonly sealed: Uint8Array;
  /** At once, instead of after {@link resetDelayMs}. */
  readonly verifiedInPerson: boolean;
}

export interface FinishReset {
  readonly request: RequestId;
  readonly registrationRecord: Uint8Array;
  readonly unlockRecord: Uint8Array;
}

/**
 * Requests and what becomes of them. Every step is one transaction that looks at the state first: of two administrators who
 * decide at once one is told so. A request whose password was changed meanwhile has expired.
 */
export class Requests {
  readonly #deps: RequestsDeps;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  byId(request: RequestId): AccountRequest | undefined {
    return this.#deps.ask(() => this.#find(request));
  }

  /** Newest first; two hundred at most, without records and sealed keys. */
  ofAccount(account: AccountId): readonly AccountRequest[] {
    const { tables, ask } = this.#deps;
    return ask(() => tables.ofAccount(account, listedOfAccount)).map((one) => this.#now(one));
  }

  /** Open ones first, then approved ones, then the newest; a thousand at most, without records and sealed keys. */
  list(): readonly AccountRequest[] {
    const { tables, ask, clock } = this.#deps;
    return ask(() => tables.all({ nowMs: clock.nowMs(), limit: listed })).map((one) => this.#now(one));
  }

  /** Takes the place of an earlier open one of the same account, which is gone then. @throws NOT_FOUND, CONFLICT when the password was changed meanwhile */
  openChange(change: NewChange): AccountRequest {
    const { request, account, registrationRecord, unlockRecord, expectedAuthEpoch } = change;
    return this.#deps.change(() => {
      const { authEpoch } = this.#active(account);
      if (authEpoch !== expectedAuthEpoch) throw changedMeanwhile();
      for (const one of this.#undecided(account))
        if (one.kind === 'password-change' && one.state === 'open') this.#deps.tables.remove(one.request);
      const record = { ...this.#blank({ request, account, authEpoch }), registrationRecord, unlockRecord };
      return this.#add({ ...record, kind: 'password-change' });
    });
  }

  /**
   * Of too many open ones of the account one is gone: the oldest of the same address, or else of those after the first
   * {@link settledResets}. It is deleted, since a state of its own would tell a stranger that there is such an account. @throws NOT_FOUND
   */
  openReset({ request, account, ephemeralKey, tokenHash, askedFrom }: NewReset): AccountRequest {
    return this.#deps.change(() => {
      const { authEpoch } = this.#active(account);
      const isOpenReset = ({ kind, state }: AccountRequest): boolean => kind === 'password-reset' && state === 'open';
      const open = this.#undecided(account).filter(isOpenReset);
      const gone = surplusOf(open, askedFrom);
      if (gone !== undefined) this.#deps.tables.remove(gone.request);
      const record = { ...this.#blank({ request, account, authEpoch }), ephemeralKey, tokenHash, askedFrom };
      return this.#add({ ...record, kind: 'password-reset' });
    });
  }

  /** @throws NOT_FOUND, CONFLICT when it was decided already, EXPIRED */
  checkOpen(request: RequestId): void {
    this.#deps.ask(() => this.#open(request));
  }

  /** The new password is valid from now on. @throws NOT_FOUND, CONFLICT when it was decided already, EXPIRED, INVALID for a reset */
  approveChange({ request, by }: Decision): AccountRequest {
    return this.#deps.change(() => {
      const { account, authEpoch, registrationRecord, unlockRecord } = this.#open(request, 'password-change');
      if (registrationRecord === null || unlockRecord === null) throw new TypeError('a change without its records');
      this.#active(account);
      const records = { registrationRecord, unlockRecord };
      activateCredentials(this.#deps.accounts, { account, ...records, expectedAuthEpoch: authEpoch });
      // Of no use any more, and one copy less of what a thief of the database would guess at.
      this.#decide({ request, by }, { state: 'done', registration_record: null, unlock_record: null });
      return this.#require(request);
    });
  }

  /** The new device may finish, at once or after a day. @throws as {@link approveChange} */
  approveReset({ request, by, sealed, verifiedInPerson }: ApproveReset): AccountRequest {
    return this.#deps.change(() => {
      const { account } = this.#open(request, 'password-reset');
      this.#active(account);
      const activeAtMs = this.#deps.clock.nowMs() + (verifiedInPerson ? 0 : resetDelayMs);
      const times = { active_at_ms: activeAtMs, expires_at_ms: activeAtMs + validMs };
      this.#decide({ request, by }, { state: 'approved', sealed, ...times });
      return this.#require(request);
    });
  }

  /** @throws NOT_FOUND, CONFLICT when it was decided already, EXPIRED */
  reject({ request, by, reason }: Decision & { readonly reason: string }): AccountRequest {
    return this.#deps.change(() => {
      this.#open(request);
      this.#decide({ request, by }, { state: 'rejected', reason, registration_record: null, unlock_record: null });
      return this.#require(request);
    });
  }

  /** Withdraws all that is open or approved. @returns those */
  cancel(account: AccountId): readonly AccountRequest[] {
    return this.#deps.change(() => this.#withdraw(account, ({ state }) => state === 'open' || state === 'approved'));
  }

  /**
   * The new password is valid from now on; who calls it has checked that the new device is the one that asked, and holds the keys.
   * @throws NOT_FOUND, EXPIRED, CONFLICT when it is not approved, or its day is not over
   */
  finishReset({ request, registrationRecord, unlockRecord }: FinishReset): AccountRequest {
    return this.#deps.change(() => {
      const { account, authEpoch } = this.approvedReset(request);
      const records = { registrationRecord, unlockRecord };
      activateCredentials(this.#deps.accounts, { account, ...records, expectedAuthEpoch: authEpoch });
      this.#deps.tables.update(request, { state: 'done', sealed: null });
      return this.#require(request);
    });
  }

  /** A reset that can be finished now. @throws as {@link finishReset} */
  approvedReset(request: RequestId): AccountRequest {
    const found = this.#require(request);
    if (found.kind !== 'password-reset') throw unknownRequest();
    if (found.state === 'expired') throw expired();
    if (found.state !== 'approved') throw new CofferError('CONFLICT', `this request is ${found.state}`, notAgain);
    if ((found.activeAtMs ?? Infinity) > this.#deps.clock.nowMs()) {
      throw new CofferError('CONFLICT', 'this request is approved, and takes effect a day after that', notAgain);
    }
    this.#active(found.account);
    return found;
  }

  #open(request: RequestId, kind?: AccountRequest['kind']): AccountRequest {
    const found = this.#require(request);
    if (kind !== undefined && found.kind !== kind) {
      throw new CofferError('INVALID', 'this request is of another kind');
    }
    if (found.state === 'expired') throw expired();
    if (found.state === 'open') return found;
    const how = found.state === 'done' ? 'approved' : found.state;
    throw new CofferError('CONFLICT', `this request was ${how} already`, {
      ...notAgain,
      hint: 'Nothing was changed now. A new one has to be asked for; see `coffer admin requests`.',
    });
  }

  #decide({ request, by }: Decision, change: Parameters<RequestTables['update']>[1]): void {
    this.#deps.tables.update(request, { ...change, decided_at_ms: this.#deps.clock.nowMs(), decided_by: by });
  }

  #withdraw(account: AccountId, which: (one: AccountRequest) => boolean): readonly AccountRequest[] {
    const found = this.#undecided(account).filter(which);
    const gone = { state: 'cancelled', registration_record: null, unlock_record: null, sealed: null } as const;
    for (const { request } of found) {
      this.#deps.tables.update(request, { ...gone, decided_at_ms: this.#deps.clock.nowMs() });
    }
    return found;
  }

  #active(account: AccountId) {
    const record = this.#deps.accounts.byId(account);
    if (record?.removedAtMs !== null) throw new CofferError('NOT_FOUND', 'there is no such account');
    if (record.state === 'active') return record;
    throw new CofferError('CONFLICT', 'the account is suspended', {
      ...notAgain,
      hint: 'Resume it first: `coffer admin user resume NAME`.',
    });
  }

  #blank(about: Pick<AccountRequest, 'request' | 'account' | 'authEpoch'>): Omit<AccountRequest, 'kind'> {
    const nowMs = this.#deps.clock.nowMs();
    return {
      ...about,
      state: 'open',
      createdAtMs: nowMs,
      expiresAtMs: nowMs + validMs,
      activeAtMs: null,
      decidedAtMs: null,
      decidedBy: null,
      reason: '',
      registrationRecord: null,
      unlockRecord: null,
      askedFrom: null,
      ephemeralKey: null,
      tokenHash: null,
      sealed: null,
    };
  }

  #add(record: AccountRequest): AccountRequest {
    const { tables } = this.#deps;
    const { account, createdAtMs: nowMs } = record;
    tables.removeBefore(nowMs - rememberMs);
    tables.keepOfAccount(account, { nowMs, limit: rememberedOfAccount });
    tables.keepInAll({ nowMs, limit: maxRequests - 1 });
    tables.add(record);
    return record;
  }

  #undecided(account: AccountId): readonly AccountRequest[] {
    return this.#deps.tables.undecided(account).map((one) => this.#now(one));
  }

  #find(request: RequestId): AccountRequest | undefined {
    const stored = this.#deps.tables.byId(request);
    return stored && this.#now(stored);
  }

  #require(request: RequestId): AccountRequest {
    const found = this.#find(request);
    if (found === undefined) throw unknownRequest();
    return found;
  }

  /** As it is now: its time may be over. */
  #now({ currentAuthEpoch, ...request }: StoredRequest): AccountRequest {
    const waits: readonly RequestState[] = ['open', 'approved'];
    const over = request.expiresAtMs <= this.#deps.clock.nowMs() || request.authEpoch !== currentAuthEpoch;
    return waits.includes(request.state) && over ? { ...request, state: 'expired' } : request;
  }
}

/** What makes room for one more from this address; oldest first. No stranger takes the place of one that was there before the list was nearly full. */
function surplusOf(open: readonly AccountRequest[], askedFrom: string): AccountRequest | undefined {
  const own = open.filter((one) => one.askedFrom === askedFrom);
  if (own.length >= openResetsOfAddress) return own[0];
  return open.length >= openResets ? open[settledResets] : undefined;
}

const notAgain = { retryable: false } as const;

function unknownRequest(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such request', { hint: 'See `coffer admin requests`.' });
}

function expired(): CofferError {
  return new CofferError('EXPIRED', 'this request has expired', {
    hint: 'Its time was over, or the password was changed meanwhile. It has to be made again.',
  });
}

function changedMeanwhile(): CofferError {
  return new CofferError('CONFLICT', 'the password was changed meanwhile', {
    ...notAgain,
    hint: 'Nothing was changed now. Sign in with the password that is in force, and begin again.',
  });
}
