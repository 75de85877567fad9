import type { AccountId, Clock, DeviceId } from '@coffer/core';
import type { DatabaseSync } from 'node:sqlite';
import { firstRow } from '../sqlite/database.ts';

/** Failing jobs remembered for one account; one more, and the one that failed first is forgotten. */
const maxJobs = 100;

export interface ToldStateDeps {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  readonly ask: <Result>(work: () => Result) => Result;
  /** In one transaction, durable when it returns. */
  readonly change: <Result>(work: () => Result) => Result;
}

export interface JobOf {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly job: Uint8Array;
}

export interface MemberQuotaLevel {
  readonly owner: AccountId;
  readonly member: AccountId;
  /** Per cent; 0 for none. */
  readonly level: number;
}

/** What people were told already and must not be told again: levels of quotas, failures of jobs in a row. Written only when it changes. */
export class ToldState {
  readonly #deps: ToldStateDeps;

  constructor(deps: ToldStateDeps) {
    this.#deps = deps;
  }

  /** The level of its quota that the account was told last; 0 for none. */
  quotaLevel(account: AccountId): number {
    return this.#deps.ask(() => {
      const sql = 'SELECT level FROM quota_told WHERE account = ?';
      return firstRow<{ level: number }>(this.#deps.db.prepare(sql), account)?.level ?? 0;
    });
  }

  /** @throws NO_SPACE, BUSY, IO */
  setQuotaLevel(account: AccountId, level: number): void {
    const sql =
      'INSERT INTO quota_told (account, level) VALUES (?, ?) ON CONFLICT DO UPDATE SET level = excluded.level';
    this.#deps.change(() => this.#deps.db.prepare(sql).run(account, level));
  }

  /** The level of its part of the owner's quota that a member has reached, as the owner was told last; 0 for none. */
  memberQuotaLevel(owner: AccountId, member: AccountId): number {
    return this.#deps.ask(() => {
      const sql = 'SELECT level FROM member_quota_told WHERE owner = ? AND member = ?';
      return firstRow<{ level: number }>(this.#deps.db.prepare(sql), owner, member)?.level ?? 0;
    });
  }

  /** @throws NO_SPACE, BUSY, IO */
  setMemberQuotaLevel({ owner, member, level }: MemberQuotaLevel): void {
    const set = `INSERT INTO member_quota_told (owner, member, level) VALUES (?1, ?2, ?3)
      ON CONFLICT DO UPDATE SET level = excluded.level`;
    const remove = 'DELETE FROM member_quota_told WHERE owner = ?1 AND member = ?2 AND ?3 = 0';
    this.#deps.change(() => this.#deps.db.prepare(level === 0 ? remove : set).run(owner, member, level));
  }

  /** Answers how often it has failed in a row. @throws NO_SPACE, BUSY, IO */
  jobFailed({ account, device, job }: JobOf): number {
    return this.#deps.change(() => {
      const known = this.#failures({ account, device, job });
      if (known === 0) this.#makeRoom(account);
      const sql = `INSERT INTO job_failures (account, device, job, failures, since_ms) VALUES (?, ?, ?, 1, ?)
        ON CONFLICT DO UPDATE SET failures = failures + 1`;
      this.#deps.db.prepare(sql).run(account, device, job, this.#deps.clock.nowMs());
      return known + 1;
    });
  }

  /** @throws NO_SPACE, BUSY, IO */
  jobDone(job: JobOf): void {
    if (this.#deps.ask(() => this.#failures(job)) === 0) return;
    const sql = 'DELETE FROM job_failures WHERE account = ? AND device = ? AND job = ?';
    this.#deps.change(() => this.#deps.db.prepare(sql).run(job.account, job.device, job.job));
  }

  #failures({ account, device, job }: JobOf): number {
    const sql = 'SELECT failures FROM job_failures WHERE account = ? AND device = ? AND job = ?';
    return firstRow<{ failures: number }>(this.#deps.db.prepare(sql), account, device, job)?.failures ?? 0;
  }

  #makeRoom(account: AccountId): void {
    const sql = `DELETE FROM job_failures WHERE account = ?1 AND (device, job) IN (SELECT device, job FROM job_failures
      WHERE account = ?1 ORDER BY since_ms DESC LIMIT -1 OFFSET ?2)`;
    this.#deps.db.prepare(sql).run(account, maxJobs - 1);
  }
}
