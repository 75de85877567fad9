import type { AccountId, Clock, Hash, IdKey, Logger, Random, VaultId } from '@coffer/core';
import { CofferError, idKey, sha256 } from '@coffer/core';
import type { Commit, Directory, VaultState } from '@coffer/journal';
import { decodeVaultState } from '@coffer/journal';
import { Accounts } from './accounts/accounts.ts';
import type { ChunkRead } from './chunks/read-chunks.ts';
import { readChunks } from './chunks/read-chunks.ts';
import { ChunkStore, graceMs } from './chunks/chunk-store.ts';
import { ChunkWriter } from './chunks/chunk-writer.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { Facts, VaultFacts } from './facts/facts.ts';
import { SqliteFacts } from './facts/sqlite-facts.ts';
import type { Disk } from './packs/disk.ts';
import { LocalPacks } from './packs/local-packs.ts';
import { nodeDisk } from './packs/node-disk.ts';
import { recordKinds } from './packs/pack-format.ts';
import type { Packs } from './packs/packs.ts';
import { refuseNewerDatabases } from './refuse-newer.ts';
import { recover } from './recovery/recover.ts';
import { SpaceGuard } from './space-guard.ts';
import { encodeStatement } from './statement.ts';
import type { StorageIdentity } from './storage-folder.ts';
import { createFolder, indexPath, lockPath, readIdentity, writeIdentity } from './storage-folder.ts';
import { AccountDirectory } from './vaults/account-directory.ts';
import { JournalStore } from './vaults/journal-store.ts';
import { pullCommits } from './vaults/pull-commits.ts';
import type { PulledCommit } from './vaults/pull-commits.ts';
import type { Ack, OwnerLimits } from './vaults/vault-appender.ts';
import { VaultAppender } from './vaults/vault-appender.ts';

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
  /** Nothing may be acknowledged any more: log, stop serving, exit non-zero. Called once. */
  readonly onFatal: (error: unknown) => void;
  /** For tests: another disk under the packs. */
  readonly disk?: Disk;
  /** For tests: other facts than those of index.db. */
  readonly openFacts?: (path: string) => Promise<Facts>;
}

export type InitStorageOptions = Pick<StorageOptions, 'path' | 'clock' | 'random'>;

export interface VaultSummary {
  readonly vault: VaultId;
  readonly kind: string;
  readonly owner: AccountId;
  readonly role: string;
  readonly seq: number;
  readonly head: Hash;
}

export interface Usage {
  /** Everything the account's vaults hold, records' headers included. */
  readonly storedBytes: number;
  readonly quotaBytes: number | null;
  readonly files: number;
  readonly versions: number;
  /** Stored size of the removed versions; what they share with others counts for each. */
  readonly trashBytes: number;
  readonly uncommittedBytes: number;
  readonly journalBytes: number;
}

export interface StorageStatus {
  /** False once something failed for good. */
  readonly ready: boolean;
  readonly writable: boolean;
  readonly freeBytes: number;
  readonly reserveBytes: number;
}

export interface ChunkScope {
  readonly vault: VaultId;
  readonly uploader: AccountId;
}

/** Statements recorded in one go when another process made them. */
const statementBatch = 100;

/** Owners whose open stores are kept; idle ones beyond it are forgotten. */
const storeLimit = 256;

/** Accounts are opened before the packs that their statements are recorded in. */
interface StatementHook {
  record?: (account: AccountId, statement: Uint8Array) => Promise<void>;
}

interface StorageParts {
  readonly options: StorageOptions;
  readonly identity: StorageIdentity;
  readonly accounts: Accounts;
  readonly facts: Facts;
  readonly packs: Packs;
  readonly disk: Disk;
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
  readonly #chunkStores = new Map<IdKey, ChunkStore>();
  readonly #journalStores = new Map<IdKey, JournalStore>();
  readonly #disposal: AsyncDisposableStack;
  readonly #stuck: ReadonlySet<IdKey>;
  #failure: unknown;

  private constructor(parts: StorageParts, disposal: AsyncDisposableStack) {
    this.#parts = parts;
    this.#disposal = disposal;
    this.serverId = parts.identity.serverId;
    this.generation = parts.identity.generation;
    this.accounts = parts.accounts;
    this.#stuck = new Set(parts.stuck.map(idKey));
    const directory = new AccountDirectory((account, after) => parts.accounts.identityStatements(account, after));
    this.directory = directory;
    const { options, facts, packs, disk } = parts;
    this.#space = new SpaceGuard(options, { disk, clock: options.clock });
    this.#appender = new VaultAppender({
      facts,
      packs,
      directory,
      clock: options.clock,
      space: this.#space,
      journalOf: (owner) => this.#journalOf(owner),
      limitsOf: (owner) => this.#limitsOf(owner),
      recordStatements: () => this.#recordStatements(),
      onFatal: (error) => this.#fail(error),
    });
  }

  /** Makes a new, empty storage. @throws EXISTS (the folder holds one, or something else), IO */
  static async init({ path, random, clock }: InitStorageOptions): Promise<StorageIdentity> {
    const identity = await createFolder(path, random);
    using _lock = DirectoryLock.take(lockPath(path));
    await using accounts = await Accounts.openNew(path, { clock });
    if ((await accounts.list()).length > 0)
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
    building.use(DirectoryLock.take(lockPath(options.path)));
    refuseNewerDatabases(options.path);
    const hook: StatementHook = {};
    const recordStatement = (account: AccountId, statement: Uint8Array): Promise<void> =>
      hook.record ? hook.record(account, statement) : Promise.reject(new TypeError('the storage is not open'));
    const accounts = building.use(await Accounts.open(options.path, { clock: options.clock, recordStatement }));
    const { disk = nodeDisk, openFacts = (path) => SqliteFacts.open(path, { thread: 'own' }) } = options;
    const facts = building.use(await openFacts(indexPath(options.path)));
    const packs = building.use(new LocalPacks(options, { ...options, disk }));
    const { stuck } = await recover({ facts, packs, accounts, ...options });
    const storage = new Storage({ options, identity, accounts, facts, packs, disk, stuck }, building.move());
    hook.record = (account, statement) => storage.#recordStatement(account, statement);
    await storage.#space.tend();
    await storage.#recordStatements();
    return storage;
  }

  async vaultsOf(account: AccountId): Promise<readonly VaultSummary[]> {
    return this.#parts.facts.vaultsOf(account);
  }

  async vaultState(vault: VaultId): Promise<VaultState | undefined> {
    const facts = await this.#parts.facts.vault(vault);
    return facts && decodeVaultState(facts.state);
  }

  /** The last position of a vault; undefined for an unknown one. */
  async head(vault: VaultId): Promise<Ack | undefined> {
    const facts = await this.#parts.facts.vault(vault);
    return facts && { vault, seq: facts.seq, head: facts.head, receivedAt: facts.receivedAtMs };
  }

  /** @throws INVALID, INTEGRITY, NOT_ALLOWED, EXISTS, NO_SPACE, IO */
  async createVault(genesis: Commit): Promise<Ack> {
    this.#checkAlive();
    return this.#appender.create(genesis);
  }

  /**
   * Consecutive commits, all or none; the answer means that they are on stable storage. That author and device are those
   * of the session is the caller's to check.
   * @throws NOT_FOUND, CONFLICT `{seq}`, NOT_ALLOWED, INVALID, INTEGRITY, MISSING_CHUNKS, QUOTA, LIMIT, NO_SPACE, IO
   */
  async append(vault: VaultId, commits: readonly Commit[]): Promise<Ack> {
    this.#checkAlive();
    if (this.#stuck.size > 0 && this.#stuck.has(idKey(vault))) throw damagedVault(vault);
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
    const { facts, options } = this.#parts;
    const graceUntilMs = options.clock.nowMs() + graceMs;
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
    const { facts, options } = this.#parts;
    const upload = { vault: new Uint8Array(vault), owner, uploader: new Uint8Array(uploader), kind, quotaBytes };
    return new ChunkWriter(upload, {
      store: this.#chunkStoreOf(owner),
      facts,
      space: this.#space,
      nowMs: () => options.clock.nowMs(),
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

  async status(): Promise<StorageStatus> {
    const { freeBytes, reserveBytes } = await this.#space.space();
    return { ready: this.#failure === undefined, writable: freeBytes >= reserveBytes, freeBytes, reserveBytes };
  }

  /** Ends what is under way and releases the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === undefined) {
      await this.#appender.drained();
      await Promise.allSettled([...this.#chunkStores.values()].map((store) => store.settle()));
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
    this.#checkAlive();
    await this.#space.tend();
    const { facts, options } = this.#parts;
    const payload = encodeStatement({ type: 'identity', account, statement });
    const head = { kind: recordKinds.statement, vault: new Uint8Array(32), id: sha256(payload), uploader: account };
    try {
      await this.#journalOf(account).write({
        records: [{ ...head, receivedAtMs: options.clock.nowMs(), payload: [payload] }],
        apply: (_places, packs) => facts.advancePacks(packs),
      });
    } catch (error) {
      if (!(error instanceof CofferError && error.code === 'NO_SPACE')) this.#fail(error);
      throw error;
    }
  }

  #chunkStoreOf(owner: AccountId): ChunkStore {
    const { facts, packs, options } = this.#parts;
    const make = (): ChunkStore =>
      new ChunkStore(owner, { facts, packs, clock: options.clock, onFatal: (error) => this.#fail(error) });
    return cached(this.#chunkStores, idKey(owner), make);
  }

  #journalOf(owner: AccountId): JournalStore {
    return cached(this.#journalStores, idKey(owner), () => new JournalStore(owner, this.#parts));
  }

  #checkAlive(): void {
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

/** Finds or makes; forgets idle ones when there are too many. */
function cached<Value extends { readonly idle: boolean }>(
  map: Map<IdKey, Value>,
  key: IdKey,
  make: () => Value,
): Value {
  const found = map.get(key);
  if (found) return found;
  if (map.size >= storeLimit) for (const [other, value] of map) if (value.idle) map.delete(other);
  const made = make();
  map.set(key, made);
  return made;
}

/** Appending would fork the journal: acknowledged commits wait behind a gap. */
function damagedVault(vault: VaultId): CofferError {
  return new CofferError('DAMAGED', 'the journal of this vault is damaged', {
    hint: 'Run `coffer admin check --read-data` on the server.',
    details: { vault: idKey(vault) },
  });
}
