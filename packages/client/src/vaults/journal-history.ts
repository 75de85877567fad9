import { CofferError, isCofferError } from '@coffer/core';
import type { Clock, EntryId } from '@coffer/core';
import { effectivePolicy, keptUntilMs } from '@coffer/journal';
import type { Ref, RetentionPolicy } from '@coffer/journal';
import type { ClientConnection, ResponseOf } from '@coffer/protocol';
import type { KeptVersion, RetentionInForce, RetentionReport, VaultHistory, VersionName } from '../history.ts';
import { isLegalTombstone } from '../history/judge-tombstone.ts';
import type { Tombstone } from '../history/judge-tombstone.ts';
import { ageVersions } from '../history/version-ages.ts';
import type { VaultJournal } from '../state/vault-journal.ts';

export interface JournalHistoryDeps {
  readonly journal: VaultJournal;
  readonly clock: Clock;
  readonly control: <Result>(
    work: (connection: ClientConnection) => Promise<Result>,
    signal?: AbortSignal,
  ) => Promise<Result>;
  readonly pull: (signal?: AbortSignal) => Promise<void>;
  /** Appends a commit of these refs only, whoever else appends at the moment. */
  readonly append: (refs: readonly Ref[], signal?: AbortSignal) => Promise<void>;
}

type Listed = ResponseOf<'version.list'>;

/** {@link VaultHistory} of the home vault. */
export class JournalHistory implements VaultHistory {
  readonly #deps: JournalHistoryDeps;

  constructor(deps: JournalHistoryDeps) {
    this.#deps = deps;
  }

  policyAt(nowMs: number): RetentionInForce {
    const changes = this.#deps.journal.history.policies();
    return { policy: effectivePolicy(changes, nowMs), isSet: changes.length > 0 };
  }

  versions(entry: EntryId, nowMs: number): readonly KeptVersion[] {
    const { policy } = this.policyAt(nowMs);
    return ageVersions(this.#deps.journal, entry).map(({ version, age }): KeptVersion => {
      if (version.current) return currentVersion(version);
      const untilMs = keptUntilMs(age, policy);
      if (!Number.isFinite(untilMs)) return { version, state: 'kept', untilMs: undefined, cause: undefined };
      return { version, state: untilMs <= nowMs ? 'expired' : 'kept', untilMs, cause: 'rules' };
    });
  }

  async ask(entry: EntryId, signal?: AbortSignal): Promise<readonly KeptVersion[]> {
    const { kept, expired } = await this.#list(entry, signal);
    const keptBySeq = new Map(kept.map((one) => [one.seq, one]));
    const goneBySeq = new Map(expired.map((one) => [one.seq, one]));
    const versions = ageVersions(this.#deps.journal, entry);
    return versions.map(({ version }): KeptVersion => {
      const there = keptBySeq.get(version.seq);
      if (there !== undefined) return keptVersion(version, there);
      const tombstone = goneBySeq.get(version.seq);
      const isLegal = tombstone !== undefined && this.#isLegal(entry, tombstone);
      return {
        version,
        state: isLegal ? 'expired' : 'lost',
        untilMs: tombstone?.atMs,
        cause: tombstone?.cause,
      };
    });
  }

  async retention(policy?: RetentionPolicy, signal?: AbortSignal): Promise<RetentionReport> {
    const message = { vault: this.#vault, policy: policy ?? null };
    const { response } = await this.#deps.control(
      (connection) => connection.request('vault.retention', message, { ...(signal && { signal }) }),
      signal,
    );
    return response;
  }

  async setPolicy(policy: RetentionPolicy, signal?: AbortSignal): Promise<void> {
    await this.#deps.append([{ kind: 'policy', policy }], signal);
  }

  async purge(entry: EntryId, seqs: readonly number[], signal?: AbortSignal): Promise<void> {
    await this.#deps.append([{ kind: 'purge', entry, seqs: seqs.toSorted((a, b) => a - b) }], signal);
  }

  async explain(version: VersionName, error: unknown, signal?: AbortSignal): Promise<unknown> {
    if (!isCofferError(error, 'NOT_FOUND', 'DAMAGED', 'MISSING_CHUNKS')) return error;
    return (await this.expiry(version, signal)) ?? lostError(version, error);
  }

  async expiry({ entry, seq }: VersionName, signal?: AbortSignal): Promise<CofferError | undefined> {
    const { expired } = await this.#list(entry, signal);
    const tombstone = expired.find((one) => one.seq === seq);
    if (tombstone === undefined) return undefined;
    // What is current is judged by what is so now.
    await this.#deps.pull(signal);
    return this.#isLegal(entry, tombstone) ? expiredError(tombstone) : undefined;
  }

  get #vault(): Uint8Array {
    return this.#deps.journal.vault;
  }

  #isLegal(entry: EntryId, tombstone: Tombstone): boolean {
    const { tree, history } = this.#deps.journal;
    const now = ageVersions({ tree, history }, entry);
    const isCurrent = now.some(({ version }) => version.current && version.seq === tombstone.seq);
    // It came back with its folder, and the server was not told yet: then what was so before counts.
    if (isCurrent && this.#deps.journal.isBelieved({ entry, seq: tombstone.seq })) return false;
    const versions = isCurrent ? ageVersions({ tree: tree.at(tombstone.atMs), history }, entry) : now;
    return isLegalTombstone({
      tombstone,
      versions,
      policies: history.policies(),
      purges: history.purges(entry),
      nowMs: this.#deps.clock.nowMs(),
    });
  }

  /** All that the server knows of a file. */
  async #list(entry: EntryId, signal: AbortSignal | undefined): Promise<Pick<Listed, 'kept' | 'expired'>> {
    const kept: Listed['kept'] = [];
    const expired: Listed['expired'] = [];
    for (let after = 0; ;) {
      const message = { vault: this.#vault, entry, after };
      const { response: page } = await this.#deps.control(
        (connection) => connection.request('version.list', message, { ...(signal && { signal }) }),
        signal,
      );
      kept.push(...page.kept);
      expired.push(...page.expired);
      const last = Math.max(page.kept.at(-1)?.seq ?? 0, page.expired.at(-1)?.seq ?? 0);
      // A server that names no more, or goes back, is at its end.
      if (!page.more || last <= after) return { kept, expired };
      after = last;
    }
  }
}

function currentVersion(version: KeptVersion['version']): KeptVersion {
  return { version, state: 'current', untilMs: undefined, cause: undefined };
}

function keptVersion(version: KeptVersion['version'], there: Listed['kept'][number]): KeptVersion {
  if (version.current) return currentVersion(version);
  const { untilMs, purgeAtMs } = there;
  if (purgeAtMs !== null && (untilMs === null || purgeAtMs < untilMs))
    return { version, state: 'purging', untilMs: purgeAtMs, cause: 'purge' };
  return { version, state: 'kept', untilMs: untilMs ?? undefined, cause: untilMs === null ? undefined : 'rules' };
}

function expiredError({ atMs, cause, seq }: Tombstone): CofferError {
  const day = new Date(atMs).toISOString().slice(0, 10);
  const why = cause === 'purge' ? 'because its owner purged it' : 'by the rules of retention';
  return new CofferError('EXPIRED', `the server dropped this version on ${day}, ${why}`, {
    hint: 'See what is kept with `coffer versions`, and the rules with `coffer policy show`.',
    details: { atMs, cause, seq },
  });
}

function lostError({ seq }: VersionName, cause: CofferError): CofferError {
  return new CofferError('INTEGRITY', 'the server does not have content that it must keep', {
    hint: 'Run `coffer sync` on a device that still has the file: it sends it again. Tell the administrator to run `coffer admin check`.',
    cause,
    details: { seq },
  });
}
