import type { AccountId, EntryId, Logger, VaultId } from '@coffer/core';
import { CofferError, idKey, sha256 } from '@coffer/core';
import type { RetentionPolicy } from '@coffer/journal';
import { destructionDelayMs } from '@coffer/journal';
import { setImmediate } from 'node:timers/promises';
import type { Facts } from '../facts/facts.ts';
import { holdAfter } from '../facts/hold-after.ts';
import type {
  ExpiredPut,
  ExpiryCause,
  HoldBy,
  PolicyHistory,
  Tombstone,
  VersionFacts,
  VersionPlace,
  VersionRange,
} from '../facts/retention-facts.ts';
import { recordKinds } from '../packs/pack-format.ts';
import type { PackRecord } from '../packs/pack-format.ts';
import type { Packs } from '../packs/packs.ts';
import { encodeStatement, expiryVersions, holdReasonLength } from '../statement.ts';
import type { JournalWrites } from '../vaults/journal-writes.ts';
import { KeyedQueue } from '../vaults/keyed-queue.ts';
import { causeAt, policyAt, purgeAtMs, ruledUntilMs } from './ends-at.ts';
import type { HoldStatus } from './hold-status.ts';
import { holdStatus } from './hold-status.ts';
import { batchesOf, readPuts } from './read-puts.ts';
import type { RetentionClock } from './retention-clock.ts';

/** Versions asked of the index at a time: a few milliseconds of the thread that serves. */
const pageVersions = 1000;

/** Vaults asked of the index at a time. */
const pageVaults = 100;

export interface RetentionDeps {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly clock: RetentionClock;
  readonly logger: Logger;
  readonly journal: JournalWrites;
  /** Holds for vaults whose owner set nothing else. */
  readonly defaultPolicy: RetentionPolicy;
  /** Runs work while nothing is appended to the vault. */
  readonly exclusively: <Result>(vault: VaultId, work: () => Promise<Result>) => Promise<Result>;
  /** @throws when nothing may be written any more */
  readonly checkAlive: () => void;
}

/** What goes, or would go. What versions share counts for each. */
export interface VersionSum {
  readonly versions: number;
  readonly storedBytes: number;
}

export interface Expired extends VersionSum {
  /** Vaults of which something went. */
  readonly vaults: number;
  /** True: the clock is paused, and nothing was looked at. */
  readonly paused: boolean;
}

export interface RetentionStatus {
  /** In force now. */
  readonly policy: RetentionPolicy;
  /** The policy that was set last, and when all of it is in force; null when it is. */
  readonly pending: { readonly policy: RetentionPolicy; readonly fromMs: number } | null;
  readonly hold: HoldStatus;
  /** What the rules would drop now, holds and delays left out of account. */
  readonly expiring: VersionSum;
}

export interface RetentionOptions {
  /** What would go under this policy is counted. */
  readonly policy?: RetentionPolicy | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface KeptVersion extends Pick<VersionFacts, 'seq' | 'fromMs' | 'endedAtMs' | 'ended' | 'bytes'> {
  /** Until when the rules keep it; null while nothing changes. */
  readonly untilMs: number | null;
  /** When a purge takes it away. */
  readonly purgeAtMs: number | null;
}

export interface VersionList {
  readonly kept: readonly KeptVersion[];
  readonly expired: readonly Tombstone[];
  /** True: there are more, with a higher seq than all of these. */
  readonly more: boolean;
}

export interface SetHold {
  readonly on: boolean;
  readonly by: HoldBy;
  /** At most 500 characters; shown to whoever asks. */
  readonly reason: string;
}

interface Target {
  readonly vault: VaultId;
  readonly owner: AccountId;
}

/** Which versions are kept and for how long, and their end (JOURNAL §Retention). Needs no key. */
export class Retention {
  readonly #deps: RetentionDeps;
  /** A hold is on before the next version of its owner goes. */
  readonly #owners = new KeyedQueue();
  /** What would go is counted over all versions of a vault: for one who asks at a time. */
  readonly #counts = new KeyedQueue();

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  /** One at a time for each vault. @throws IO; the signal's reason */
  async retentionOf(target: Target, options: RetentionOptions = {}): Promise<RetentionStatus> {
    return this.#counts.run(idKey(target.vault), () => this.#retentionOf(target, options));
  }

  /** In order of seq, after `range.after`. */
  async versionsOf(vault: VaultId, entry: EntryId, range: VersionRange): Promise<VersionList> {
    const { facts, clock, defaultPolicy } = this.#deps;
    const nowMs = clock.nowMs();
    const policy = policyAt(await facts.policies(vault, nowMs), { nowMs, defaultPolicy });
    const kept = await facts.versionsOf(vault, entry, range);
    const expired = await facts.tombstonesOf(vault, entry, range);
    const more = kept.length === range.limit || expired.length === range.limit;
    // Both lists end at the same seq, so that the next page begins where both go on.
    const last = more ? lastOfBoth(kept, expired, range.limit) : Number.POSITIVE_INFINITY;
    return {
      kept: kept.filter(({ seq }) => seq <= last).map((version) => keptVersion(version, policy)),
      expired: expired.filter(({ seq }) => seq <= last),
      more,
    };
  }

  /** Lets everything go whose time is over. Appends go between. @throws NO_SPACE, IO; the signal's reason */
  async expire({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<Expired> {
    const sum = { vaults: 0, versions: 0, storedBytes: 0 };
    if (this.#deps.clock.paused) return { ...sum, paused: true };
    for await (const target of this.#vaults()) {
      const { versions, storedBytes } = await this.#expireVault(target, signal);
      sum.vaults += versions > 0 ? 1 : 0;
      sum.versions += versions;
      sum.storedBytes += storedBytes;
    }
    return { ...sum, paused: this.#deps.clock.paused };
  }

  /** On at once, off after seven days. @throws LIMIT (a long reason), NO_SPACE, IO */
  async setHold(account: AccountId, hold: SetHold): Promise<HoldStatus> {
    if (hold.reason.length > holdReasonLength) throw new CofferError('LIMIT', 'the reason for a hold is too long');
    return this.#owners.run(idKey(account), () => this.#setHold(account, hold));
  }

  async isHeld(account: AccountId): Promise<boolean> {
    return holdStatus(await this.#deps.facts.holds(account), this.#deps.clock.nowMs()).on;
  }

  async drained(): Promise<void> {
    await this.#counts.drained();
    await this.#owners.drained();
  }

  async #retentionOf({ vault, owner }: Target, { policy, signal }: RetentionOptions): Promise<RetentionStatus> {
    signal?.throwIfAborted();
    const { facts, clock, defaultPolicy } = this.#deps;
    const nowMs = clock.nowMs();
    const history = await facts.policies(vault, nowMs);
    const effective = policyAt(history, { nowMs, defaultPolicy });
    const hold = holdStatus(await facts.holds(owner), nowMs);
    const expiring = await this.#expiring(vault, { policy: policy ?? effective, nowMs, signal });
    return { policy: effective, pending: pendingAfter(effective, history), hold, expiring };
  }

  async #setHold(account: AccountId, { on, by, reason }: SetHold): Promise<HoldStatus> {
    const { facts, clock, journal } = this.#deps;
    const before = (await facts.holds(account)).find((hold) => hold.by === by);
    const atMs = Math.max(clock.nowMs(), (before?.atMs ?? -1) + 1);
    const change = { account, by, on, atMs, reason };
    const same = on && before?.on === true && before.reason === reason;
    if (!same && holdAfter(before, change)) {
      this.#deps.checkAlive();
      const records = [this.#record({ vault: noVault, owner: account }, encodeStatement({ type: 'hold', ...change }))];
      await journal.write(account, { records, apply: (_places, packs) => facts.changeHold(change, packs) });
    }
    return holdStatus(await facts.holds(account), clock.nowMs());
  }

  async *#vaults(): AsyncGenerator<Target, void, undefined> {
    for (let after: VaultId | undefined; ;) {
      const vaults = await this.#deps.facts.vaultsAfter(after, pageVaults);
      yield* vaults;
      if (vaults.length < pageVaults) return;
      after = vaults.at(-1)?.vault;
    }
  }

  async #expireVault(target: Target, signal: AbortSignal | undefined): Promise<VersionSum> {
    const sum = { versions: 0, storedBytes: 0 };
    let after: VersionPlace | undefined;
    do {
      signal?.throwIfAborted();
      const page = await this.#owners.run(idKey(target.owner), () =>
        this.#deps.exclusively(target.vault, () => this.#expirePage(target, after)),
      );
      sum.versions += page.versions;
      sum.storedBytes += page.storedBytes;
      after = page.next;
      await setImmediate();
    } while (after);
    return sum;
  }

  /** Decides while nothing is appended: what is about to be kept again does not go. */
  async #expirePage(
    target: Target,
    after: VersionPlace | undefined,
  ): Promise<VersionSum & { readonly next: VersionPlace | undefined }> {
    const { facts, clock, checkAlive, defaultPolicy } = this.#deps;
    checkAlive();
    const nowMs = clock.nowMs();
    if (clock.paused || (await this.isHeld(target.owner))) return { versions: 0, storedBytes: 0, next: undefined };
    const policy = policyAt(await facts.policies(target.vault, nowMs), { nowMs, defaultPolicy });
    const page = await facts.endedVersions(target.vault, after, pageVersions);
    const sums: VersionSum[] = [];
    for (const cause of ['rules', 'purge'] as const) {
      const due = page.filter((version) => causeAt(version, { policy, nowMs }) === cause);
      if (due.length > 0) sums.push(await this.#expireDue(target, { due, cause, atMs: nowMs }));
    }
    return { ...addUp(sums), next: page.length < pageVersions ? undefined : page.at(-1) };
  }

  async #expireDue(
    target: Target,
    { due, cause, atMs }: { readonly due: readonly VersionFacts[]; readonly cause: ExpiryCause; readonly atMs: number },
  ): Promise<VersionSum> {
    const bytes = new Map(due.map(({ entry, seq, bytes: stored }) => [`${idKey(entry)}/${seq}`, stored]));
    const sum = { versions: 0, storedBytes: 0 };
    const puts = readPuts({ ...this.#deps, ...target, versions: due });
    for await (const batch of batchesOf(puts, expiryVersions)) {
      await this.#expireBatch(target, { versions: batch, cause, atMs });
      sum.versions += batch.length;
      for (const { entry, seq } of batch) sum.storedBytes += bytes.get(`${idKey(entry)}/${seq}`) ?? 0;
    }
    return sum;
  }

  /** The statement is durable before anything of it happens: after a crash the effect is completed. */
  async #expireBatch(
    target: Target,
    change: { readonly versions: readonly ExpiredPut[]; readonly cause: ExpiryCause; readonly atMs: number },
  ): Promise<void> {
    const { facts, journal } = this.#deps;
    const { cause, atMs } = change;
    const { vault, owner } = target;
    const versions = change.versions.map(({ entry, seq }): [EntryId, number] => [entry, seq]);
    const record = this.#record(target, encodeStatement({ type: 'expiry', vault, atMs, cause, versions }));
    await journal.write(owner, {
      records: [record],
      apply: (_places, packs) => facts.expireVersions({ ...target, ...change, packs }),
    });
  }

  #record({ vault, owner }: Target, payload: Uint8Array): PackRecord {
    const receivedAtMs = this.#deps.clock.receiveMs();
    return {
      kind: recordKinds.statement,
      vault,
      id: sha256(payload),
      uploader: owner,
      receivedAtMs,
      payload: [payload],
    };
  }

  async #expiring(
    vault: VaultId,
    under: { readonly policy: RetentionPolicy; readonly nowMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<VersionSum> {
    const sum = { versions: 0, storedBytes: 0 };
    for (let after: VersionPlace | undefined; ;) {
      under.signal?.throwIfAborted();
      const page = await this.#deps.facts.endedVersions(vault, after, pageVersions);
      const due = page.filter((version) => ruledUntilMs(version, under.policy) <= under.nowMs);
      sum.versions += due.length;
      sum.storedBytes += due.reduce((total, { bytes }) => total + bytes, 0);
      if (page.length < pageVersions) return sum;
      after = page.at(-1);
      await setImmediate();
    }
  }
}

/** A statement that concerns no vault. */
const noVault: VaultId = new Uint8Array(32);

function pendingAfter(effective: RetentionPolicy, { last }: PolicyHistory): RetentionStatus['pending'] {
  if (!last) return null;
  const { policy, receivedAtMs } = last;
  const same =
    policy.versions === effective.versions &&
    policy.days === effective.days &&
    policy.trashDays === effective.trashDays;
  return same ? null : { policy, fromMs: receivedAtMs + destructionDelayMs };
}

function keptVersion(version: VersionFacts, policy: RetentionPolicy): KeptVersion {
  const { seq, fromMs, endedAtMs, ended, bytes } = version;
  const untilMs = endedAtMs === null ? null : finite(ruledUntilMs(version, policy));
  return { seq, fromMs, endedAtMs, ended, bytes, untilMs, purgeAtMs: finite(purgeAtMs(version)) };
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

type WithSeq = readonly { readonly seq: number }[];

function lastOfBoth(kept: WithSeq, expired: WithSeq, limit: number): number {
  const ends = [kept, expired].filter((list) => list.length === limit).map((list) => list.at(-1)?.seq ?? 0);
  return Math.min(...ends);
}

function addUp(sums: readonly VersionSum[]): VersionSum {
  const add = (of: (sum: VersionSum) => number): number => sums.reduce((total, sum) => total + of(sum), 0);
  return { versions: add(({ versions }) => versions), storedBytes: add(({ storedBytes }) => storedBytes) };
}
