import type { AccountId, EntryId, IdKey, VaultId } from '@coffer/core';
import { CofferError, idKey, isCofferError } from '@coffer/core';
import type { Commit, Directory, VaultHead, VaultState } from '@coffer/journal';
import { defaultRetention } from '@coffer/journal';
import { Accounts } from './accounts/accounts.ts';
import type { ChunkAccessDeps } from './chunks/chunk-access.ts';
import { ChunkAccess } from './chunks/chunk-access.ts';
import type { ChunkWriter } from './chunks/chunk-writer.ts';
import type { ChunkRead } from './chunks/read-chunks.ts';
import type { CollectOptions, Collection } from './collection/collector.ts';
import { Collector } from './collection/collector.ts';
import type { ScrubOptions } from './collection/scrub.ts';
import { scrub } from './collection/scrub.ts';
import type { Finding } from './check/finding.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { LostChunk, LookUpLost, UsageDifference } from './facts/collection-facts.ts';
import type { VaultFacts } from './facts/facts.ts';
import { Generations } from './generations.ts';
import type { StorageParts } from './open-parts.ts';
import { openParts } from './open-parts.ts';
import type { SetAsideSum } from './recovery/set-aside.ts';
import { setAsideNowhere } from './recovery/set-aside.ts';
import type { HoldStatus } from './retention/hold-status.ts';
import type { ClockStatus } from './retention/retention-clock.ts';
import type { Expired, RetentionOptions, RetentionStatus, SetHold, VersionList } from './retention/retention.ts';
import { Retention } from './retention/retention.ts';
import { SharedRun } from './shared-run.ts';
import type { MemberUsage, StorageStatus, Usage, VaultSummary } from './storage-answers.ts';
import type { StorageIdentity } from './storage-folder.ts';
import { createFolder, lockPath, writeIdentity } from './storage-folder.ts';
import type { ChunkScope, InitStorageOptions, StorageOptions } from './storage-options.ts';
import { AccountDirectory } from './vaults/account-directory.ts';
import type { JournalWritesDeps } from './vaults/journal-writes.ts';
import { JournalWrites } from './vaults/journal-writes.ts';
import { OpenStores } from './vaults/open-stores.ts';
import { pullCommits } from './vaults/pull-commits.ts';
import type { PulledCommit } from './vaults/pull-commits.ts';
import { StatementWrites } from './vaults/statement-writes.ts';
import { TeamStates } from './vaults/team-states.ts';
import type { Ack, AppendOptions, OwnerLimits } from './vaults/vault-appender.ts';
import { VaultAppender } from './vaults/vault-appender.ts';
import { VaultStates } from './vaults/vault-states.ts';

/** Kept and expired versions in one answer, each: it stays below a control frame. */
const listedVersions = 1000;

/** Everything a server keeps: accounts, journals and chunks, in one folder (STORAGE). Safe after any crash. */
export class Storage implements AsyncDisposable {
  readonly serverId: StorageIdentity['serverId'];
  readonly generation: number;
  readonly accounts: Accounts;
  /** The identities of this server's accounts. */
  readonly directory: Directory;
  readonly #parts: StorageParts;
  readonly #owned: AsyncDisposableStack;
  readonly #appender: VaultAppender;
  readonly #stores: OpenStores;
  readonly #chunks: ChunkAccess;
  readonly #statements: StatementWrites;
  readonly #collector: Collector;
  readonly #recounts: SharedRun<readonly UsageDifference[]>;
  readonly #retention: Retention;
  /** Vaults whose found commits do not follow on. */
  #stuck: ReadonlySet<IdKey>;
  readonly #states = new VaultStates();

  private constructor(parts: StorageParts, owned: AsyncDisposableStack) {
    this.#parts = parts;
    this.#owned = owned;
    this.serverId = parts.identity.serverId;
    this.generation = parts.identity.generation;
    this.accounts = parts.accounts;
    this.#stuck = new Set(parts.stuck.map(idKey));
    const directory = new AccountDirectory((account, after) => parts.accounts.identityStatements(account, after));
    this.directory = directory;
    const { options, facts, packs, space, clock, health } = parts;
    const onFatal = (error: unknown): void => health.fail(error);
    const checkAlive = (): void => health.check();
    const receiveMs = (): number => clock.receiveMs();
    this.#stores = new OpenStores({ facts, packs, clock, onFatal });
    const storeOf: ChunkAccessDeps['storeOf'] = (owner) => this.#stores.chunksOf(owner);
    const journalOf: JournalWritesDeps['journalOf'] = (owner) => this.#stores.journalOf(owner);
    const journal = new JournalWrites({ clock: options.clock, space, journalOf, onFatal });
    const limitsOf = (owner: AccountId): Promise<OwnerLimits> => this.#limitsOf(owner);
    this.#chunks = new ChunkAccess({ facts, packs, space, clock, storeOf, limitsOf });
    this.#statements = new StatementWrites({ ...parts, journal, receiveMs, checkAlive });
    this.#appender = new VaultAppender({
      facts,
      packs,
      teams: new TeamStates({ facts, packs, directory }),
      receiveMs,
      space,
      states: this.#states,
      journal,
      limitsOf,
      isHeld: async (owner) => this.#retention.isHeld(owner),
      recordStatements: () => this.#statements.recordPending(),
    });
    this.#retention = new Retention({
      facts,
      packs,
      clock,
      logger: options.logger,
      journal,
      defaultPolicy: options.retention ?? defaultRetention,
      exclusively: (vault, work) => this.#appender.exclusively(vault, work),
      checkAlive,
    });
    // While the clock is paused no grace is over.
    const graceClockMs = (): number => (clock.paused ? 0 : clock.nowMs());
    this.#collector = new Collector({ ...options, facts, packs, space, storeOf, graceClockMs, onFatal });
    this.#recounts = new SharedRun((signal) => facts.recount(signal));
  }

  /** Makes a new, empty storage. @throws EXISTS (the folder holds one, or something else), IO */
  static async init({ path, random, clock }: InitStorageOptions): Promise<StorageIdentity> {
    const identity = await createFolder(path, random);
    using _lock = DirectoryLock.take(lockPath(path));
    await using accounts = await Accounts.openNew(path, { clock });
    if ((await accounts.list({ removed: true })).length > 0)
      throw new CofferError('EXISTS', 'the folder holds accounts of another storage');
    await writeIdentity(path, identity);
    return identity;
  }

  /**
   * Takes the folder's lock, recovers what a crash left, and serves.
   * @throws NOT_FOUND, LOCKED, UPGRADE_REQUIRED (untouched), DAMAGED, NO_SPACE, IO
   */
  static async open(options: StorageOptions): Promise<Storage> {
    await using building = new AsyncDisposableStack();
    const parts = await openParts(options, building);
    const owned = new AsyncDisposableStack();
    const storage = new Storage(parts, owned);
    const statements = storage.#statements;
    parts.recording.record = (account, statement) => statements.recordIdentity(account, statement);
    await statements.recordPending().catch(unlessFull);
    await parts.clock.begin();
    owned.use(building.move());
    return storage;
  }

  /** Of which the account or team itself is a member. */
  async vaultsOf(member: AccountId | VaultId): Promise<readonly VaultSummary[]> {
    return this.#parts.facts.vaultsOf(member);
  }

  async vaultState(vault: VaultId): Promise<VaultState | undefined> {
    const facts = await this.#parts.facts.vault(vault);
    return facts && this.#states.of(facts);
  }

  /** The last position of a vault; undefined for an unknown one. */
  async head(vault: VaultId): Promise<Ack | undefined> {
    const facts = await this.#parts.facts.vault(vault);
    return facts && { vault, seq: facts.seq, head: facts.head, receivedAt: facts.receivedAtMs };
  }

  /** @throws INVALID, INTEGRITY, NOT_ALLOWED, EXISTS, NO_SPACE, IO */
  async createVault(genesis: Commit): Promise<Ack> {
    this.#parts.health.check();
    this.#checkWhole(genesis.vault);
    return this.#appender.create(genesis);
  }

  /**
   * Consecutive commits, all or none; the answer means that they are on stable storage. That author and device are those
   * of the session is the caller's to check; `stillAllowed` may refuse once nothing else is appended any more.
   * @throws NOT_FOUND, CONFLICT `{seq}`, NOT_ALLOWED, INVALID, INTEGRITY, MISSING_CHUNKS, QUOTA, LIMIT, NO_SPACE, IO
   */
  async append(vault: VaultId, commits: readonly Commit[], options?: AppendOptions): Promise<Ack> {
    this.#parts.health.check();
    this.#checkWhole(vault);
    return this.#appender.append(vault, commits, options);
  }

  /** Every commit after `after`, in order. @throws NOT_FOUND, DAMAGED, IO; the signal's reason */
  async *pull(vault: VaultId, after: number, signal?: AbortSignal): AsyncGenerator<PulledCommit, void, undefined> {
    const { owner } = await this.#vault(vault);
    yield* pullCommits({ ...this.#parts, vault, owner, after, signal });
  }

  /**
   * Bitmap of which of the `ids` (n × 32 bytes) of this uploader are there (bit i = byte i >> 3, 1 << (i & 7)).
   * Those that no commit refers to yet get a new grace time. @throws NOT_FOUND (vault), IO
   */
  async presentChunks({ vault, uploader, ids }: ChunkScope & { readonly ids: Uint8Array }): Promise<Uint8Array> {
    return this.#chunks.present(await this.#vault(vault), { uploader, ids });
  }

  /** Begins an upload. @throws NOT_FOUND (vault), IO */
  async putChunks({
    vault,
    uploader,
    kind,
  }: ChunkScope & { readonly kind: 'chunk' | 'segment' }): Promise<ChunkWriter> {
    this.#parts.health.check();
    await this.#parts.space.tend();
    return this.#chunks.put(await this.#vault(vault), { uploader, kind });
  }

  /**
   * The chunks with these `ids` (n × 32 bytes), in that order; only those that a version of the vault refers to.
   * Payloads may be views of larger buffers. @throws NOT_FOUND `{id}` after the ones found, DAMAGED, IO
   */
  async *readChunks(
    read: ChunkScope & { readonly ids: Uint8Array; readonly signal?: AbortSignal },
  ): AsyncGenerator<ChunkRead, void, undefined> {
    yield* this.#chunks.read(await this.#vault(read.vault), read);
  }

  /** @throws NOT_FOUND */
  async usage(account: AccountId): Promise<Usage> {
    const record = await this.accounts.byId(account);
    if (!record) throw new CofferError('NOT_FOUND', 'there is no such account');
    const { chunkBytes, journalBytes, ...facts } = await this.#parts.facts.usage(account);
    return {
      storedBytes: chunkBytes + journalBytes,
      quotaBytes: record.quotaBytes,
      files: facts.files,
      versions: facts.versions,
      trashBytes: facts.trashBytes,
      uncommittedBytes: facts.uncommittedBytes,
      journalBytes,
    };
  }

  /** What another account has stored with the owner, and may. @throws IO */
  async memberUsage(owner: AccountId, member: AccountId): Promise<MemberUsage> {
    const { memberBytes } = await this.#limitsOf(owner);
    return { storedBytes: await this.#parts.facts.writtenBytes(owner, member), quotaBytes: memberBytes };
  }

  /**
   * Removes what no version refers to and whose grace is over, and gives back the room of packs that are mostly empty.
   * Runs beside everything else; one at a time. @throws NO_SPACE, IO, SHUTTING_DOWN; the signal's reason
   */
  async collect(options: CollectOptions = {}): Promise<Collection> {
    this.#parts.health.check();
    await this.#parts.space.tend();
    return this.#collector.collect(options);
  }

  /**
   * Reads everything, as slowly as asked, and answers what is not as it should be, like `checkStorage`. Chunks that
   * cannot be read count as missing from then on (see `lostChunks`); nothing else is changed.
   * @throws IO; the signal's reason
   */
  async scrub(options: ScrubOptions): Promise<readonly Finding[]> {
    this.#parts.health.check();
    const { options: storage, facts } = this.#parts;
    return scrub(options, { ...storage, facts });
  }

  /**
   * Counts what every account stores; answers and corrects what was recorded wrongly. One at a time: whoever asks meanwhile
   * is answered by the one under way, which goes on when they leave. @throws IO; the signal's reason; SHUTTING_DOWN
   */
  async recount({ signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly UsageDifference[]> {
    this.#parts.health.check();
    return this.#recounts.join(signal);
  }

  /** Chunks that versions of the vault refer to and that cannot be read, by id; fewer than `limit`: there are no more. */
  async lostChunks(vault: VaultId, { after, limit }: Omit<LookUpLost, 'vault'>): Promise<readonly LostChunk[]> {
    return this.#parts.facts.lostChunks({ vault, after, limit });
  }

  /** What the authority signed when generation `n` began; undefined when it is not known. @throws IO */
  async generationStatement(n: number): Promise<Uint8Array | undefined> {
    return new Generations(this.accounts).statement(n);
  }

  /** Where every vault of a known account stands. @throws IO */
  async heads(): Promise<readonly VaultHead[]> {
    const heads = new Map<IdKey, VaultHead>();
    for (const { account } of await this.accounts.list({ removed: true })) {
      for (const { vault, seq, head } of await this.vaultsOf(account)) heads.set(idKey(vault), { vault, seq, head });
    }
    return [...heads.values()];
  }

  /** Part of a restore: what names heads that are nowhere is set aside, so that its vaults can be written to again. @throws NO_SPACE, IO */
  async setAsideNowhere(): Promise<SetAsideSum> {
    const { facts, packs } = this.#parts;
    const done = await setAsideNowhere({ facts, packs, directory: this.directory, statements: this.#statements });
    this.#stuck = new Set((await facts.vaultsToRecover()).map(idKey));
    return done;
  }

  /**
   * Makes a new generation of this storage durable: its statement among the packs and in accounts.db. The caller gives the
   * folder its number afterwards. @throws NOT_FOUND (no account to keep it), NO_SPACE, IO
   */
  async recordGeneration(n: number, certificate: Uint8Array): Promise<void> {
    const keeper = (await this.accounts.list()).toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];
    if (keeper === undefined) throw new CofferError('NOT_FOUND', 'there is no account in this storage');
    const statement = { type: 'generation', n, certificate } as const;
    await this.#statements.record(keeper.account, statement);
    await new Generations(this.accounts).keep(statement);
  }

  /**
   * How long versions of the vault are kept, and what would go now: under `policy`, else under the one in force.
   * @throws NOT_FOUND, IO; the signal's reason
   */
  async retentionOf(vault: VaultId, options?: RetentionOptions): Promise<RetentionStatus> {
    return this.#retention.retentionOf(await this.#vault(vault), options);
  }

  /** Kept and expired versions of an entry, in order of seq, 1,000 of each at most. @throws NOT_FOUND (vault), IO */
  async versionsOf(vault: VaultId, entry: EntryId, after = 0): Promise<VersionList> {
    await this.#vault(vault);
    return this.#retention.versionsOf(vault, entry, { after, limit: listedVersions });
  }

  /** Lets the versions of all vaults go whose time is over; appends go between. @throws NO_SPACE, IO; the signal's reason */
  async expire(options: { readonly signal?: AbortSignal } = {}): Promise<Expired> {
    this.#parts.health.check();
    await this.#parts.space.tend();
    return this.#retention.expire(options);
  }

  /** While it is on no version of the account's vaults goes. On at once, off after seven days. @throws LIMIT, NO_SPACE, IO */
  async setHold(account: AccountId, hold: SetHold): Promise<HoldStatus> {
    this.#parts.health.check();
    await this.#parts.space.tend();
    return this.#retention.setHold(account, hold);
  }

  /** The time by which versions grow old, and whether it is paused. */
  get clock(): ClockStatus {
    return this.#parts.clock.status();
  }

  /** Says that the machine's clock is right, after a jump of more than a day. @throws NO_SPACE, IO */
  async acceptClock(): Promise<void> {
    await this.#parts.clock.accept();
  }

  async status(): Promise<StorageStatus> {
    const { freeBytes, reserveBytes } = await this.#parts.space.space();
    return { ready: !this.#parts.health.failed, writable: freeBytes >= reserveBytes, freeBytes, reserveBytes };
  }

  /** Ends what is under way and releases the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.health.close();
    await this.#collector[Symbol.asyncDispose]();
    await this.#recounts[Symbol.asyncDispose]();
    if (!this.#parts.health.failed) {
      await this.#retention.drained();
      await this.#appender.drained();
      await this.#stores.settle();
    }
    await this.#owned.disposeAsync();
  }

  async #vault(vault: VaultId): Promise<VaultFacts> {
    const facts = await this.#parts.facts.vault(vault);
    if (!facts) throw new CofferError('NOT_FOUND', 'there is no such vault');
    return facts;
  }

  async #limitsOf(owner: AccountId): Promise<OwnerLimits> {
    const record = await this.accounts.byId(owner);
    const quotaBytes = record?.quotaBytes ?? null;
    const share = this.#parts.options.memberShare?.() ?? null;
    const memberBytes = quotaBytes === null || share === null ? null : Math.floor(quotaBytes * share);
    return { quotaBytes, memberBytes, largestFileBytes: record?.largestFileBytes ?? null };
  }

  #checkWhole(vault: VaultId): void {
    if (this.#stuck.size > 0 && this.#stuck.has(idKey(vault))) throw damagedVault(vault);
  }
}

function unlessFull(error: unknown): void {
  if (!isCofferError(error, 'NO_SPACE')) throw error;
}

/** Appending would fork the journal: acknowledged commits wait behind a gap. */
function damagedVault(vault: VaultId): CofferError {
  return new CofferError('DAMAGED', 'the journal of this vault is damaged', {
    hint: 'Run `coffer admin check --read-data` on the server.',
    details: { vault: idKey(vault) },
  });
}
