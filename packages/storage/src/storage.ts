import type { AccountId, Clock, EntryId, IdKey, Logger, Random, VaultId } from '@coffer/core';
import { CofferError, idKey, isCofferError, sha256 } from '@coffer/core';
import type { Commit, Directory, RetentionPolicy, VaultHead, VaultState } from '@coffer/journal';
import { defaultRetention } from '@coffer/journal';
import { Accounts } from './accounts/accounts.ts';
import type { AccountsOptions } from './accounts/accounts.ts';
import type { ChunkRead } from './chunks/read-chunks.ts';
import { readChunks } from './chunks/read-chunks.ts';
import { graceMs } from './chunks/chunk-store.ts';
import { ChunkWriter } from './chunks/chunk-writer.ts';
import type { CollectOptions, Collection } from './collection/collector.ts';
import { Collector } from './collection/collector.ts';
import type { ScrubOptions } from './collection/scrub.ts';
import { scrub } from './collection/scrub.ts';
import type { Finding } from './check/finding.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { LostChunk, LookUpLost, UsageDifference } from './facts/collection-facts.ts';
import type { Facts, VaultFacts } from './facts/facts.ts';
import { SqliteFacts } from './facts/sqlite-facts.ts';
import type { Disk } from './packs/disk.ts';
import { LocalPacks } from './packs/local-packs.ts';
import { nodeDisk } from './packs/node-disk.ts';
import { recordKinds } from './packs/pack-format.ts';
import type { Packs } from './packs/packs.ts';
import { refuseNewerDatabases } from './refuse-newer.ts';
import { recover } from './recovery/recover.ts';
import type { HoldStatus } from './retention/hold-status.ts';
import type { ClockStatus } from './retention/retention-clock.ts';
import { RetentionClock } from './retention/retention-clock.ts';
import type { Expired, RetentionOptions, RetentionStatus, SetHold, VersionList } from './retention/retention.ts';
import { Retention } from './retention/retention.ts';
import { SpaceGuard } from './space-guard.ts';
import { Generations } from './generations.ts';
import { encodeStatement } from './statement.ts';
import type { Statement } from './statement.ts';
import type { StorageStatus, Usage, VaultSummary } from './storage-answers.ts';
import type { StorageIdentity } from './storage-folder.ts';
import { createFolder, indexPath, lockPath, lockToServe, readIdentity, writeIdentity } from './storage-folder.ts';
import { AccountDirectory } from './vaults/account-directory.ts';
import { JournalWrites } from './vaults/journal-writes.ts';
import { OpenStores } from './vaults/open-stores.ts';
import { pullCommits } from './vaults/pull-commits.ts';
import type { PulledCommit } from './vaults/pull-commits.ts';
import type { Ack, OwnerLimits } from './vaults/vault-appender.ts';
import { VaultAppender } from './vaults/vault-appender.ts';
import { VaultStates } from './vaults/vault-states.ts';

export interface StorageOptions {
  /** The storage folder. */
  readonly path: string;
  /** Size at which a pack is full. */
  readonly packBytes: number;
  /** Share of the filesystem that uploads leave free (0.05 for 5 %), at most 1 GiB of it. */
  readonly reserve: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Holds for every vault whose owner set nothing else; default: five versions, 90 days, 30 days of trash. */
  readonly retention?: RetentionPolicy;
  /** Nothing may be acknowledged any more: log, stop serving, exit non-zero. Called once. */
  readonly onFatal: (error: unknown) => void;
  /** True for a restore only, which opens what it has not finished. */
  readonly restoring?: boolean;
  /** For tests: another disk under the packs. */
  readonly disk?: Disk;
  /** For tests: other facts than those of index.db. */
  readonly openFacts?: (path: string, onFailed: (error: unknown) => void) => Promise<Facts>;
}

export type InitStorageOptions = Pick<StorageOptions, 'path' | 'clock' | 'random'>;

export interface ChunkScope {
  readonly vault: VaultId;
  readonly uploader: AccountId;
}

/** Statements recorded in one go when another process made them. */
const statementBatch = 100;

/** Kept and expired versions in one answer, each: it stays below a control frame. */
const listedVersions = 1000;

/** What is opened first needs to reach what is opened last. */
interface StorageHook {
  fail?: (error: unknown) => void;
  record?: (account: AccountId, statement: Uint8Array) => Promise<void>;
}

interface StorageParts {
  readonly options: StorageOptions;
  readonly identity: StorageIdentity;
  readonly accounts: Accounts;
  readonly facts: Facts;
  readonly packs: Packs;
  readonly space: SpaceGuard;
  readonly retentionClock: RetentionClock;
  readonly disposal: AsyncDisposableStack;
  /** Vaults that a recovery could not bring to their head. */
  readonly stuck: readonly VaultId[];
}

/** Everything a server keeps: accounts, journals and chunks, in one folder (STORAGE). Safe after any crash. */
export class Storage implements AsyncDisposable {
  readonly serverId: StorageIdentity['serverId'];
  readonly generation: number;
  readonly accounts: Accounts;
  /** The identities of this server's accounts. */
  readonly directory: Directory;
  readonly #parts: StorageParts;
  readonly #space: SpaceGuard;
  readonly #appender: VaultAppender;
  readonly #stores: OpenStores;
  readonly #collector: Collector;
  readonly #journal: JournalWrites;
  readonly #retention: Retention;
  #disposal: AsyncDisposableStack;
  #closing = false;
  readonly #stuck: ReadonlySet<IdKey>;
  readonly #states = new VaultStates();
  #failure: unknown;

  private constructor(parts: StorageParts) {
    this.#parts = parts;
    this.#disposal = parts.disposal;
    this.serverId = parts.identity.serverId;
    this.generation = parts.identity.generation;
    this.accounts = parts.accounts;
    this.#stuck = new Set(parts.stuck.map(idKey));
    const directory = new AccountDirectory((account, after) => parts.accounts.identityStatements(account, after));
    this.directory = directory;
    const { options, facts, packs, space, retentionClock } = parts;
    this.#space = space;
    this.#stores = new OpenStores({ facts, packs, clock: retentionClock, onFatal: (error) => this.#fail(error) });
    this.#journal = new JournalWrites({
      clock: options.clock,
      space,
      journalOf: (owner) => this.#stores.journalOf(owner),
      onFatal: (error) => this.#fail(error),
    });
    this.#appender = new VaultAppender({
      facts,
      packs,
      directory,
      receiveMs: () => retentionClock.receiveMs(),
      space,
      states: this.#states,
      journal: this.#journal,
      limitsOf: (owner) => this.#limitsOf(owner),
      isHeld: async (owner) => this.#retention.isHeld(owner),
      recordStatements: () => this.#recordStatements(),
    });
    this.#retention = new Retention({
      facts,
      packs,
      clock: retentionClock,
      logger: options.logger,
      journal: this.#journal,
      defaultPolicy: options.retention ?? defaultRetention,
      exclusively: (vault, work) => this.#appender.exclusively(vault, work),
      checkAlive: () => this.#checkAlive(),
    });
    this.#collector = new Collector({
      ...options,
      facts,
      packs,
      space,
      storeOf: (owner) => this.#stores.chunksOf(owner),
      // While the clock is paused no grace is over.
      graceClockMs: () => (retentionClock.paused ? 0 : retentionClock.nowMs()),
      onFatal: (error) => this.#fail(error),
    });
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
    const identity = await readIdentity(options.path);
    building.use(lockToServe(options));
    refuseNewerDatabases(options.path);
    const { disk = nodeDisk, openFacts = openIndex } = options;
    const space = new SpaceGuard(options, { disk, clock: options.clock });
    // A start needs room too, and a full disk is when servers are restarted.
    await space.tend();
    const hook: StorageHook = {};
    const onFailed = (error: unknown): void => hook.fail?.(error);
    const accounts = building.use(
      await Accounts.open(options.path, { clock: options.clock, recordStatement: recordBy(hook), onFailed }),
    );
    const facts = building.use(await openFacts(indexPath(options.path), onFailed));
    const packs = building.use(new LocalPacks(options, { ...options, disk }));
    const retentionClock = building.use(await RetentionClock.open({ clock: options.clock, accounts }));
    const { stuck } = await recover({ ...options, facts, packs, accounts, clock: retentionClock });
    const parts = { options, identity, accounts, facts, packs, space, retentionClock, stuck };
    const storage = new Storage({ ...parts, disposal: building });
    hook.fail = (error) => storage.#fail(error);
    hook.record = (account, statement) => storage.#recordStatement(account, statement);
    await storage.#recordStatements().catch(unlessFull);
    await retentionClock.begin();
    storage.#disposal = building.move();
    return storage;
  }

  async vaultsOf(account: AccountId): Promise<readonly VaultSummary[]> {
    return this.#parts.facts.vaultsOf(account);
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
    this.#checkAlive();
    this.#checkWhole(genesis.vault);
    return this.#appender.create(genesis);
  }

  /**
   * Consecutive commits, all or none; the answer means that they are on stable storage. That author and device are those
   * of the session is the caller's to check.
   * @throws NOT_FOUND, CONFLICT `{seq}`, NOT_ALLOWED, INVALID, INTEGRITY, MISSING_CHUNKS, QUOTA, LIMIT, NO_SPACE, IO
   */
  async append(vault: VaultId, commits: readonly Commit[]): Promise<Ack> {
    this.#checkAlive();
    this.#checkWhole(vault);
    return this.#appender.append(vault, commits);
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
    const { owner } = await this.#vault(vault);
    const { facts, retentionClock } = this.#parts;
    const graceUntilMs = retentionClock.nowMs() + graceMs;
    const present = await facts.claimChunks({ vault, owner, uploader, ids: ids.slice(), graceUntilMs });
    const bitmap = new Uint8Array(Math.ceil(present.length / 8));
    present.forEach((there, index) => {
      if (there) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
    });
    return bitmap;
  }

  /** Begins an upload. @throws NOT_FOUND (vault), IO */
  async putChunks({
    vault,
    uploader,
    kind,
  }: ChunkScope & { readonly kind: 'chunk' | 'segment' }): Promise<ChunkWriter> {
    this.#checkAlive();
    await this.#space.tend();
    const { owner } = await this.#vault(vault);
    const { quotaBytes } = await this.#limitsOf(owner);
    const { facts, retentionClock } = this.#parts;
    const upload = { vault: new Uint8Array(vault), owner, uploader: new Uint8Array(uploader), kind, quotaBytes };
    return new ChunkWriter(upload, {
      store: this.#stores.chunksOf(owner),
      facts,
      space: this.#space,
      nowMs: () => retentionClock.nowMs(),
    });
  }

  /**
   * The chunks with these `ids` (n × 32 bytes), in that order; only those that a version of the vault refers to.
   * Payloads may be views of larger buffers. @throws NOT_FOUND `{id}` after the ones found, DAMAGED, IO
   */
  async *readChunks(
    read: ChunkScope & { readonly ids: Uint8Array; readonly signal?: AbortSignal },
  ): AsyncGenerator<ChunkRead, void, undefined> {
    const { owner } = await this.#vault(read.vault);
    yield* readChunks({ ...this.#parts, ...read, owner });
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

  /**
   * Removes what no version refers to and whose grace is over, and gives back the room of packs that are mostly empty.
   * Runs beside everything else; one at a time. @throws NO_SPACE, IO, SHUTTING_DOWN; the signal's reason
   */
  async collect(options: CollectOptions = {}): Promise<Collection> {
    this.#checkAlive();
    await this.#space.tend();
    return this.#collector.collect(options);
  }

  /**
   * Reads everything, as slowly as asked, and answers what is not as it should be, like `checkStorage`. Chunks that
   * cannot be read count as missing from then on (see `lostChunks`); nothing else is changed.
   * @throws IO; the signal's reason
   */
  async scrub(options: ScrubOptions): Promise<readonly Finding[]> {
    this.#checkAlive();
    const { options: storage, facts } = this.#parts;
    return scrub(options, { ...storage, facts });
  }

  /** Counts what every account stores; answers and corrects what was recorded wrongly. @throws IO; the signal's reason */
  async recount({ signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly UsageDifference[]> {
    this.#checkAlive();
    return this.#parts.facts.recount(signal);
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

  /**
   * Makes a new generation of this storage durable: its statement among the packs and in accounts.db. The caller gives the
   * folder its number afterwards. @throws NOT_FOUND (no account to keep it), NO_SPACE, IO
   */
  async recordGeneration(n: number, certificate: Uint8Array): Promise<void> {
    const keeper = (await this.accounts.list()).toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];
    if (keeper === undefined) throw new CofferError('NOT_FOUND', 'there is no account in this storage');
    const statement = { type: 'generation', n, certificate } as const;
    await this.#record(keeper.account, statement);
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
    this.#checkAlive();
    await this.#space.tend();
    return this.#retention.expire(options);
  }

  /** While it is on no version of the account's vaults goes. On at once, off after seven days. @throws LIMIT, NO_SPACE, IO */
  async setHold(account: AccountId, hold: SetHold): Promise<HoldStatus> {
    this.#checkAlive();
    await this.#space.tend();
    return this.#retention.setHold(account, hold);
  }

  /** The time by which versions grow old, and whether it is paused. */
  get clock(): ClockStatus {
    return this.#parts.retentionClock.status();
  }

  /** Says that the machine's clock is right, after a jump of more than a day. @throws NO_SPACE, IO */
  async acceptClock(): Promise<void> {
    await this.#parts.retentionClock.accept();
  }

  async status(): Promise<StorageStatus> {
    const { freeBytes, reserveBytes } = await this.#space.space();
    return { ready: this.#failure === undefined, writable: freeBytes >= reserveBytes, freeBytes, reserveBytes };
  }

  /** Ends what is under way and releases the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#collector[Symbol.asyncDispose]();
    if (this.#failure === undefined) {
      await this.#retention.drained();
      await this.#appender.drained();
      await this.#stores.settle();
    }
    await this.#disposal.disposeAsync();
  }

  async #vault(vault: VaultId): Promise<VaultFacts> {
    const facts = await this.#parts.facts.vault(vault);
    if (!facts) throw new CofferError('NOT_FOUND', 'there is no such vault');
    return facts;
  }

  async #limitsOf(owner: AccountId): Promise<OwnerLimits> {
    const record = await this.accounts.byId(owner);
    return { quotaBytes: record?.quotaBytes ?? null, largestFileBytes: record?.largestFileBytes ?? null };
  }

  /** Statements that another process put into accounts.db while the packs were ours. */
  async #recordStatements(): Promise<void> {
    for (;;) {
      const batch = await this.accounts.unrecordedStatements(statementBatch);
      for (const { account, seq, statement } of batch) {
        await this.#recordStatement(account, statement);
        await this.accounts.markRecorded(account, seq);
      }
      if (batch.length < statementBatch) return;
    }
  }

  async #recordStatement(account: AccountId, statement: Uint8Array): Promise<void> {
    await this.#record(account, { type: 'identity', account, statement });
  }

  async #record(account: AccountId, statement: Statement): Promise<void> {
    this.#checkAlive();
    await this.#space.tend();
    const { facts, retentionClock } = this.#parts;
    const payload = encodeStatement(statement);
    const head = { kind: recordKinds.statement, vault: new Uint8Array(32), id: sha256(payload), uploader: account };
    await this.#journal.write(account, {
      records: [{ ...head, receivedAtMs: retentionClock.receiveMs(), payload: [payload] }],
      apply: (_places, packs) => facts.advancePacks(packs),
    });
  }

  #checkWhole(vault: VaultId): void {
    if (this.#stuck.size > 0 && this.#stuck.has(idKey(vault))) throw damagedVault(vault);
  }

  #checkAlive(): void {
    if (this.#closing) throw new CofferError('SHUTTING_DOWN', 'the storage is closing');
    if (this.#failure !== undefined) throw new CofferError('IO', 'the storage has failed and takes nothing any more');
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#parts.options.logger.error(
      { error: error instanceof Error ? error.message : 'unknown' },
      'the storage failed for good',
    );
    this.#parts.options.onFatal(error);
  }
}

function openIndex(path: string, onFailed: (error: unknown) => void): Promise<Facts> {
  return SqliteFacts.open(path, { thread: 'own', onFailed });
}

function recordBy(hook: StorageHook): NonNullable<AccountsOptions['recordStatement']> {
  return async (account, statement) => {
    if (!hook.record) throw new TypeError('the storage is not open');
    await hook.record(account, statement);
  };
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
