import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PackId } from '../packs/packs.ts';
import { firstRow, inTransaction, openDatabase } from '../sqlite/database.ts';
import { AppendIndex } from './append-index.ts';
import { ChunkIndex } from './chunk-index.ts';
import type { Collected, CollectSegments, MarkChunks, SweepChunks, Swept } from './collection-facts.ts';
import { CollectionIndex } from './collection-index.ts';
import { factsMigrations } from './facts-schema.ts';
import type {
  AppendToken,
  ApplyAppend,
  CheckSegment,
  ClaimChunks,
  FoundCommit,
  IndexChunks,
  PackProgress,
  PrepareAppend,
  Prepared,
  RefusedSegment,
} from './facts.ts';
import { Numbers } from './numbers.ts';
import { PackIndex } from './pack-index.ts';
import type { Correction } from './recount.ts';
import type { ExpireVersions, FoundRetention, HoldChange, RecordPlace } from './retention-facts.ts';
import { RetentionIndex } from './retention-index.ts';
import { UsageIndex } from './usage-index.ts';
import { VersionIndex } from './version-index.ts';

/** Every change of the index, one transaction each. Synchronous: it lives in a worker thread. */
export class FactsWriter {
  readonly #db: DatabaseSync;
  readonly #numbers: Numbers;
  readonly #packs: PackIndex;
  readonly #usage: UsageIndex;
  readonly #chunks: ChunkIndex;
  readonly #checkpoint: StatementSync;
  readonly #appends: AppendIndex;
  readonly #collection: CollectionIndex;
  readonly #retention: RetentionIndex;

  constructor(path: string) {
    this.#db = openDatabase({ path, migrations: factsMigrations, table: 'numbers', synchronous: 'NORMAL' });
    const db = this.#db;
    this.#checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
    this.#numbers = new Numbers(db, 'write');
    this.#packs = new PackIndex(db);
    this.#usage = new UsageIndex(db);
    const shared = { db, numbers: this.#numbers, packs: this.#packs, usage: this.#usage };
    this.#chunks = new ChunkIndex(shared);
    const versions = new VersionIndex(shared);
    this.#retention = new RetentionIndex({ ...shared, chunks: this.#chunks, versions });
    this.#appends = new AppendIndex({ ...shared, chunks: this.#chunks, versions, retention: this.#retention });
    const pinned = (): ReadonlySet<number> => this.#appends.pinned();
    this.#collection = new CollectionIndex({ ...shared, chunks: this.#chunks, pinned });
  }

  indexChunks(batch: IndexChunks): { readonly refused: readonly RefusedSegment[] } {
    return { refused: this.#change(() => this.#chunks.index(batch)) };
  }

  claimChunks(claim: ClaimChunks): readonly boolean[] {
    return this.#change(() => this.#chunks.claim(claim));
  }

  checkSegment(segment: CheckSegment): Prepared {
    const { missing, notAllowed } = this.#change(() => this.#chunks.segmentLacks(segment));
    if (notAllowed) return { status: 'notAllowed' };
    return missing.length === 0 ? { status: 'ready' } : { status: 'missing', count: missing.length, chunks: missing };
  }

  prepareAppend(append: PrepareAppend): Prepared {
    return this.#change(() => this.#appends.prepare(append));
  }

  applyAppend(append: ApplyAppend): void {
    this.#change(() => this.#appends.apply(append));
    this.#appends.release(append.token);
  }

  cancelAppend(token: AppendToken): void {
    this.#appends.release(token);
  }

  advancePacks(packs: readonly PackProgress[]): void {
    this.#change(() => this.#packs.advance(packs));
  }

  noteCommits(commits: readonly FoundCommit[], pack: PackProgress, found?: FoundRetention): void {
    this.#change(() => {
      if (found) this.#packs.setAside(found.setAside);
      this.#packs.note(commits);
      if (found) this.#retention.note(found);
      this.#packs.advance([pack]);
    });
  }

  setAsideCommits(places: readonly RecordPlace[], packs: readonly PackProgress[]): void {
    this.#change(() => {
      this.#packs.setAside(places);
      this.#packs.advance(packs);
    });
  }

  expireVersions(change: ExpireVersions): void {
    this.#change(() => this.#retention.expire(change));
  }

  changeHold(change: HoldChange, packs: readonly PackProgress[]): void {
    this.#change(() => this.#retention.changeHold(change, packs));
  }

  markComplete(): void {
    this.#change(() => this.#db.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('complete', '1')"));
  }

  /** Moves the log into the database with fsync, as far as readers allow. */
  checkpoint(): boolean {
    const done = firstRow<{ busy: number; log: number; checkpointed: number }>(this.#checkpoint);
    return done?.busy === 0 && done.log === done.checkpointed;
  }

  sweepChunks(sweep: SweepChunks): Swept {
    return this.#change(() => this.#collection.sweep(sweep));
  }

  collectSegments(segments: CollectSegments): Collected {
    return this.#change(() => this.#collection.collectSegments(segments));
  }

  markChunks(mark: MarkChunks): void {
    this.#change(() => this.#collection.mark(mark));
  }

  forgetPack(pack: PackId): void {
    this.#change(() => this.#collection.forgetPack(pack));
  }

  /** What a recount found to be wrong, as differences: changes made meanwhile stay counted. */
  correct(correction: Correction): void {
    this.#change(() => {
      for (const { owner, change } of correction.usage) this.#usage.add(owner, change);
      for (const { owner, ...written } of correction.writers) this.#usage.addWritten(owner, written);
      for (const { pack, bytes } of correction.packs) this.#packs.addLive(pack, bytes);
    });
  }

  close(): void {
    this.#db.close();
  }

  #change<Result>(work: () => Result): Result {
    try {
      return inTransaction(this.#db, () => {
        const result = work();
        this.#usage.write();
        return result;
      });
    } catch (error) {
      this.#usage.forget();
      this.#numbers.forget();
      this.#packs.forget();
      throw error;
    }
  }
}
