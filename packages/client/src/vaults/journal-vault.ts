import type { DatabaseSync } from 'node:sqlite';
import { CofferError, equalBytes, idKey, isCofferError, randomId, secondMs, Semaphore } from '@coffer/core';
import type { EntryId, VaultId } from '@coffer/core';
import { ChunkKeys } from '@coffer/crypto';
import type { Commit, Ref, Role, VaultState } from '@coffer/journal';
import type { ClientConnection, ResponseOf } from '@coffer/protocol';
import type { CommitBatch, CommitBatchOptions, CommitReport, RefusedOperation } from '../commit-batch.ts';
import type { Connections } from '../connection/connections.ts';
import type { Downloader, DownloaderOptions } from '../downloader.ts';
import type { DeviceKeys } from '../profile/device-keys.ts';
import type { Pins } from '../profile/pins.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import type { ProfileDeps } from '../profile/profile.ts';
import type { LostContent } from '../lost-content.ts';
import type { EpochGrant } from '../state/epoch-secrets.ts';
import type { Repairs } from '../state/server-beliefs.ts';
import type { ExpectedVault, FoldReport, VaultJournal, VaultPin } from '../state/vault-journal.ts';
import type { FileUploader } from '../transfer/file-uploader.ts';
import type { FileDownloader } from '../transfer/file-downloader.ts';
import type { TreeReader } from '../tree-reader.ts';
import type { Uploader, UploaderOptions } from '../uploader.ts';
import type { Ignored, JobRun, PullReport, Vault, VaultHead, VerifyOptions, VerifyReport } from '../vault.ts';
import { notSharedAnyMore } from '../sharing/end-of-share.ts';
import type { VaultIdentities } from '../people/vault-identities.ts';
import type { WatchHub } from '../watch-hub.ts';
import type { Entry } from '../entry.ts';
import { CommitAppender } from './commit-appender.ts';
import type { MadeRefs } from './commit-appender.ts';
import type { CommitItem } from './commit-items.ts';
import { JournalHistory } from './journal-history.ts';
import { JournalBatch } from './journal-batch.ts';
import type { JournalBatchDeps } from './journal-batch.ts';
import { LostChunks } from './lost-chunks.ts';
import { pullInto } from './pull.ts';
import { hasChunks, oneFrame, openDownloader, openUploader } from './transfers.ts';
import { verifyEntries } from './verify.ts';

export interface JournalVaultDeps extends ProfileDeps {
  readonly record: ProfileRecord;
  readonly keys: Pick<DeviceKeys, 'dedup'>;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  readonly connections: Connections;
  readonly identities: VaultIdentities;
  readonly pins: Pins;
  readonly db: DatabaseSync;
  readonly journal: VaultJournal;
  readonly watchHub: WatchHub;
  /** Told after each pull that brought something of the kind. */
  readonly onIgnored?: (ignored: Ignored) => void;
}

/** How long the end of a run may take to tell. */
const endOfJobMs = 10 * secondMs;

/** Refs of one repairing commit: all may turn out to have expired, and then one operation removes them. */
const repairsTogether = 1000;

interface RefusedKeeps {
  readonly keeps: Repairs['keeps'];
  readonly error: CofferError;
}

/** {@link Vault} over its journal, of whatever kind it is. */
export class JournalVault implements Vault {
  readonly history: JournalHistory;
  readonly #deps: JournalVaultDeps;
  readonly #chunkKeys: ReadonlyMap<number, ChunkKeys>;
  readonly #appender: CommitAppender;
  /** Pulls and appends of this process take turns; other processes are met in the database. */
  readonly #turn = new Semaphore(1);
  /** As it was when this object first met the server. */
  #lineage: number | undefined;

  constructor(deps: JournalVaultDeps) {
    this.#deps = deps;
    this.history = new JournalHistory({
      journal: deps.journal,
      clock: deps.clock,
      control: (work, signal) => this.#control(work, signal),
      pull: async (signal) => void (await this.pull(signal)),
      append: (refs, signal) => this.#insist(refs, signal),
    });
    this.#chunkKeys = new Map(deps.keys.dedup.map(({ g, secret }) => [g, ChunkKeys.from(secret)]));
    this.#appender = new CommitAppender({
      journal: deps.journal,
      account: deps.record.account,
      device: deps.record.device,
      sign: deps.sign,
      clock: deps.clock,
      random: deps.random,
      identityRefs: (state) => deps.identities.refs(state),
      send: (commit, signal) => this.#send(commit, signal),
      pull: async (signal) => void (await this.#pull(signal)),
    });
  }

  get id(): Uint8Array {
    return this.#deps.journal.vault;
  }

  get lineage(): number {
    return this.#deps.pins.of(this.id)?.cut ?? 0;
  }

  get role(): Role | undefined {
    return this.#deps.journal.roleOf(this.#deps.record.account);
  }

  acceptRestored(): void {
    this.#lineage = this.lineage;
  }

  get tree(): TreeReader {
    return this.#deps.journal.tree;
  }

  get head(): VaultHead {
    const { state } = this.#deps.journal;
    return { seq: state?.seq ?? 0, hash: state?.head ?? new Uint8Array(32) };
  }

  async pull(signal?: AbortSignal): Promise<PullReport> {
    return this.#turn.run(async () => {
      const before = this.head.seq;
      const { voidCommits, skippedOperations } = await this.#pull(signal);
      this.#savePin();
      return { before, after: this.head.seq, voidCommits, skippedOperations };
    }, signal);
  }

  uploader(options: UploaderOptions = {}): Promise<Uploader> {
    return this.fileUploader(options);
  }

  downloader(options: DownloaderOptions = {}): Promise<Downloader> {
    return Promise.resolve(this.#openDownloader(options));
  }

  /** Every mount that is reachable; only a home vault has any. */
  mounts(): readonly Entry[] {
    return this.#deps.journal.tree.mounts();
  }

  /** To be called by who got this object for a vault that was asked for before. @throws INTEGRITY when it is another one */
  expect(expected: ExpectedVault): void {
    this.#deps.journal.expect(expected);
  }

  /** What judging the last commit has left; undefined before the first pull. */
  get state(): VaultState | undefined {
    return this.#deps.journal.state;
  }

  /** The state with the heads that the next commit of this device introduces: what it seals is judged by them. */
  get stateToCome(): VaultState | undefined {
    const { state } = this;
    if (state === undefined) return undefined;
    const identities = new Map(state.identities);
    for (const { subject, head } of this.#deps.identities.refs(state)) identities.set(idKey(subject), head);
    return { ...state, identities };
  }

  /** @throws INTEGRITY, NOT_ALLOWED */
  epochSecret(n: number): Uint8Array {
    return this.#deps.journal.epochSecret(n);
  }

  /** Whether a member was given the secret of the present epoch. */
  isSealedTo(member: Uint8Array): boolean {
    return this.#deps.journal.sealedTo.has(member);
  }

  /** To whom the secret of an epoch was sealed, as far as that concerns this account. */
  grantsOf(n: number): readonly EpochGrant[] {
    return this.#deps.journal.grantsOf(n);
  }

  /** Commits references that are made for the state of each try. @throws as {@link CommitAppender.appendMade} */
  async change(make: () => Promise<MadeRefs | undefined>, signal?: AbortSignal): Promise<void> {
    await this.#ensureFolded();
    await this.#turn.run(() => this.#appender.appendMade(make, signal), signal);
    this.#savePin();
  }

  /**
   * Puts a mount of `vault` in the place of the entry, unless `holds` denies it with everything folded that others did. True when
   * it stands there. The drops of what was below follow. @throws what appending throws
   */
  async mount(
    { entry, parent, name, mtime, mode }: Entry,
    { vault, holds }: { readonly vault: VaultId; readonly holds: () => boolean },
    signal?: AbortSignal,
  ): Promise<boolean> {
    const operation = ['put', entry, parent, name, 'mount', 0, mtime, mode, [], vault] as const;
    const items: readonly CommitItem[] = [{ operation, moved: entry, entries: [entry] }];
    const { refused } = await this.#append({ items, holds }, signal);
    if (refused.length > 0) return false;
    await this.#repair(signal);
    return true;
  }

  /** Where operations are added as they are. The caller disposes it. */
  items(options: CommitBatchOptions = {}): JournalBatch {
    return this.#batch(options);
  }

  /** As {@link downloader}, with the parts that only this package uses. */
  fileDownloader(options: DownloaderOptions = {}): FileDownloader {
    return this.#openDownloader(options);
  }

  async fileUploader(options: UploaderOptions = {}): Promise<FileUploader> {
    await this.#ensureFolded();
    return openUploader({ ...this.#deps, chunkKeys: this.#chunkKeys }, options);
  }

  /** By generation of the dedup secret. */
  get chunkKeys(): ReadonlyMap<number, ChunkKeys> {
    return this.#chunkKeys;
  }

  batch(options: CommitBatchOptions = {}): CommitBatch {
    return this.#batch(options);
  }

  #batch(options: CommitBatchOptions): JournalBatch {
    const { record, clock, random } = this.#deps;
    const deps = {
      tree: this.tree,
      kind: this.#deps.journal.kind,
      account: record.account,
      keys: this.#chunkKeys,
      clock,
      random,
      append: (...[items, { holds }, signal]: Parameters<JournalBatchDeps['append']>) =>
        this.#append({ items, holds }, signal),
      repair: (signal?: AbortSignal) => this.#repair(signal),
      history: this.history,
      has: (ids: Uint8Array) => hasChunks(this.#deps, ids),
    };
    return new JournalBatch(deps, options);
  }

  async verify(entries: readonly EntryId[], options: VerifyOptions = {}, signal?: AbortSignal): Promise<VerifyReport> {
    await using downloader = this.#openDownloader({});
    return await verifyEntries(
      { tree: this.tree, downloader, entries, options, random: this.#deps.random, history: this.history },
      signal,
    );
  }

  lostContent(signal?: AbortSignal): Promise<LostContent | undefined> {
    const deps = {
      vault: this.id,
      account: this.#deps.record.account,
      keys: this.#chunkKeys,
      openUploader: () => this.uploader(),
      openDownloader: () => this.#openDownloader({}),
    };
    return LostChunks.ask(deps, (work, stop) => this.#control(work, stop), signal);
  }

  watch(signal?: AbortSignal): AsyncIterable<{ readonly seq: number }> {
    return this.#deps.watchHub.watch(this.id, signal);
  }

  async beginJob(mode: 'push' | 'pull' | 'two-way', signal?: AbortSignal): Promise<JobRun> {
    const job = randomId(this.#deps.random);
    const options = { ...(signal && { signal }) };
    await this.#control((connection) => connection.request('job.begin', { job, mode }, options), signal);
    return {
      end: async (status, counts) => {
        // It may be the network that ended the run: then nobody waits for the network to say so.
        const enough = AbortSignal.timeout(endOfJobMs);
        const told = { job, status, counts };
        await this.#control((connection) => connection.request('job.end', told, { signal: enough }), enough);
      },
    };
  }

  #append(
    { items, holds }: { readonly items: readonly CommitItem[]; readonly holds: CommitBatchOptions['holds'] },
    signal: AbortSignal | undefined,
  ): Promise<CommitReport> {
    return this.#turn.run(async () => {
      // A pull that ended in a lie leaves the tables empty.
      if (this.#deps.journal.state === undefined) await this.#pull(signal);
      return await this.#appender.append(items, { holds }, signal);
    }, signal);
  }

  async #insist(refs: readonly Ref[], signal: AbortSignal | undefined): Promise<void> {
    await this.#ensureFolded();
    await this.#turn.run(() => this.#appender.insistOnRefs(refs, signal), signal);
  }

  #openDownloader(options: DownloaderOptions): FileDownloader {
    return openDownloader({ ...this.#deps, chunkKeys: this.#chunkKeys }, options);
  }

  #control<Result>(work: (connection: ClientConnection) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return this.#deps.connections.run('control', work, signal);
  }

  async #ensureFolded(): Promise<void> {
    if (this.#deps.journal.state === undefined) await this.pull();
  }

  async #pull(signal: AbortSignal | undefined): Promise<FoldReport> {
    const { journal, onIgnored } = this.#deps;
    const report = await this.#control(async (connection) => {
      // A connection may bring a new generation, and what it says of this vault.
      const pinnedSeq = this.#beginPull()?.seq ?? 0;
      const pulling = { journal, connection, pinnedSeq, ...this.#identitySource(connection, signal) };
      const pulled = await pullInto(pulling, signal).catch((error: unknown) => {
        throw this.#wasMember && isCofferError(error, 'NOT_FOUND') ? notSharedAnyMore(error) : error;
      });
      await this.#deps.identities.prepareTeams(journal.state, connection, signal);
      return pulled;
    }, signal);
    if (report.voidCommits + report.skippedOperations > 0) onIgnored?.(report);
    return report;
  }

  /** A home vault speaks of the own chain only, and most pulls need nothing of it: it is fetched when a fold failed without. */
  #identitySource(connection: ClientConnection, signal: AbortSignal | undefined) {
    const { identities, journal } = this.#deps;
    const refreshIdentities = (): Promise<void> => identities.refreshOwn(connection, signal);
    if (journal.kind === 'home') return { refreshIdentities };
    const prepare = (commits: readonly Commit[]): Promise<void> =>
      identities.prepare({ commits, state: journal.state }, connection, signal);
    return { refreshIdentities, prepare };
  }

  /** Of what somebody else shares: the server tells a stranger nothing but that there is no such vault. */
  get #wasMember(): boolean {
    const { state } = this.#deps.journal;
    return state?.kind === 'share' && !equalBytes(state.owner, this.#deps.record.account);
  }

  #beginPull(): VaultPin | undefined {
    const { journal, pins } = this.#deps;
    pins.refresh();
    const pin = pins.of(this.id);
    journal.begin(pin);
    this.#lineage ??= this.lineage;
    if (this.#lineage !== this.lineage) throw restoredMeanwhile();
    return pin;
  }

  async #send(commit: Commit, signal: AbortSignal | undefined): Promise<ResponseOf<'vault.append'>> {
    const { response } = await this.#control(
      (connection) =>
        connection.request(
          'vault.append',
          { vault: this.id },
          { data: oneFrame(commit.bytes), ...(signal && { signal }) },
        ),
      signal,
    );
    return response;
  }

  /**
   * Tells the server what members see, where void commits, skipped operations or removed folders made it believe otherwise.
   * Files that came back with a folder when their content had expired already go again, and are told.
   */
  async #repair(signal: AbortSignal | undefined): Promise<readonly RefusedOperation[]> {
    const gone: RefusedOperation[] = [];
    for (;;) {
      const refused = await this.#turn.run(() => this.#repairAll(signal), signal);
      if (refused === undefined) return gone;
      const expired = await this.#expiredOf(refused, signal);
      if (expired.length === 0) throw refused.error;
      gone.push(...expired);
      const entries = expired.map(({ entry }) => entry);
      const items: readonly CommitItem[] = [{ operation: ['remove', entries], drops: entries, entries }];
      await this.#append({ items, holds: undefined }, signal);
    }
  }

  /** Undefined when nothing is left to repair; the keeps that the server refused because of one that has expired. */
  async #repairAll(signal: AbortSignal | undefined): Promise<RefusedKeeps | undefined> {
    for (;;) {
      const { keeps, drops } = this.#deps.journal.repairs(repairsTogether);
      const refs: Ref[] = keeps.map(({ entry, seq }) => ({ kind: 'keep', entry, seq }));
      if (drops.removed.length > 0) refs.push({ kind: 'drop', entries: drops.removed, reason: 'removed' });
      if (drops.moved.length > 0) refs.push({ kind: 'drop', entries: drops.moved, reason: 'moved' });
      if (refs.length === 0) break;
      try {
        await this.#appender.appendRefs(refs, signal);
      } catch (error) {
        if (!isCofferError(error, 'EXPIRED')) throw error;
        return { keeps, error };
      }
    }
    this.#savePin();
    return undefined;
  }

  async #expiredOf({ keeps }: RefusedKeeps, signal: AbortSignal | undefined): Promise<RefusedOperation[]> {
    const expired: RefusedOperation[] = [];
    for (const keep of keeps) {
      const error = await this.history.expiry(keep, signal);
      if (error !== undefined) expired.push({ entry: keep.entry, error });
    }
    return expired;
  }

  #savePin(): void {
    const { journal, pins } = this.#deps;
    const { state } = journal;
    if (state === undefined) return;
    pins.see(this.id, { seq: state.seq, hash: state.head, epoch: state.epoch });
  }
}

/** What the caller has planned is about a tree that is not there any more. */
function restoredMeanwhile(): CofferError {
  return new CofferError('CONFLICT', 'the server was restored from a backup while this was at work', {
    hint: 'Run it again: it goes on from what the server has now.',
  });
}
