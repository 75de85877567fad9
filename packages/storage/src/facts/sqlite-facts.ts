import type { AccountId, Hash, VaultId } from '@coffer/core';
import { CofferError, isCofferError } from '@coffer/core';
import type { PackId } from '../packs/packs.ts';
import type {
  Collected,
  CollectSegments,
  LiveRecords,
  LookUpLost,
  LostChunk,
  MarkChunks,
  PackCursor,
  PackUse,
  SweepChunks,
  Swept,
  UsageDifference,
} from './collection-facts.ts';
import { FactsReader } from './facts-reader.ts';
import { FactsThread } from './facts-thread.ts';
import type { FactsChanges } from './facts-calls.ts';
import { InlineChanges } from './inline-changes.ts';
import type {
  AppendToken,
  ApplyAppend,
  AppliedCommit,
  CheckSegment,
  ChunkPlace,
  ClaimChunks,
  Facts,
  FoundCommit,
  IndexChunks,
  LookUpChunks,
  MembershipFacts,
  PackProgress,
  PrepareAppend,
  Prepared,
  StoredQuestion,
  UsageFacts,
  VaultFacts,
} from './facts.ts';
import { recount } from './recount.ts';
import type {
  ExpireVersions,
  FoundExpiry,
  FoundRetention,
  HoldChange,
  HoldFacts,
  PolicyHistory,
  RecordPlace,
} from './retention-facts.ts';

export interface SqliteFactsOptions {
  /** `own`: changes run on a thread of their own, as a server needs. `same`: on this one, for commands and tests. */
  readonly thread: 'own' | 'same';
  /** The disk refused a change, or the thread ended by itself: nothing may be acknowledged any more. Perhaps more than once. */
  readonly onFailed?: (error: unknown) => void;
}

/** {@link Facts} in SQLite: changes go to a writer, questions to a read-only connection of this thread. */
export class SqliteFacts implements Facts {
  readonly #changes: FactsChanges;
  readonly #path: string;
  #reader: FactsReader | undefined;

  private constructor(path: string, changes: FactsChanges) {
    this.#path = path;
    this.#changes = changes;
  }

  /** @throws UPGRADE_REQUIRED, DAMAGED, NO_SPACE, IO */
  static async open(path: string, { thread, onFailed }: SqliteFactsOptions): Promise<SqliteFacts> {
    const changes = thread === 'own' ? new FactsThread(path, onFailed) : new InlineChanges(path);
    const facts = new SqliteFacts(path, onFailed ? watched(changes, onFailed) : changes);
    try {
      await facts.#changes.call('open');
      facts.#reader = new FactsReader(path);
      return facts;
    } catch (error) {
      await facts[Symbol.asyncDispose]();
      throw error;
    }
  }

  indexChunks(batch: IndexChunks): ReturnType<Facts['indexChunks']> {
    return this.#changes.call('indexChunks', batch);
  }

  claimChunks(claim: ClaimChunks): Promise<readonly boolean[]> {
    return this.#changes.call('claimChunks', claim);
  }

  checkSegment(segment: CheckSegment): Promise<Prepared> {
    return this.#changes.call('checkSegment', segment);
  }

  prepareAppend(append: PrepareAppend): Promise<Prepared> {
    return this.#changes.call('prepareAppend', append);
  }

  applyAppend(append: ApplyAppend): Promise<void> {
    return this.#changes.call('applyAppend', append);
  }

  cancelAppend(token: AppendToken): Promise<void> {
    return this.#changes.call('cancelAppend', token);
  }

  advancePacks(packs: readonly PackProgress[]): Promise<void> {
    return this.#changes.call('advancePacks', packs);
  }

  checkpoint(): Promise<boolean> {
    return this.#changes.call('checkpoint');
  }

  async isComplete(): Promise<boolean> {
    return this.#read.isComplete();
  }

  markComplete(): Promise<void> {
    return this.#changes.call('markComplete');
  }

  noteCommits(commits: readonly FoundCommit[], pack: PackProgress, found?: FoundRetention): Promise<void> {
    return this.#changes.call('noteCommits', commits, pack, found);
  }

  setAsideCommits(places: readonly RecordPlace[], packs: readonly PackProgress[]): Promise<void> {
    return this.#changes.call('setAsideCommits', places, packs);
  }

  expireVersions(change: ExpireVersions): Promise<void> {
    return this.#changes.call('expireVersions', change);
  }

  changeHold(change: HoldChange, packs: readonly PackProgress[]): Promise<void> {
    return this.#changes.call('changeHold', change, packs);
  }

  async vaultsAfter(...args: Parameters<Facts['vaultsAfter']>): ReturnType<Facts['vaultsAfter']> {
    return this.#read.retention.vaultsAfter(...args);
  }

  async endedVersions(...args: Parameters<Facts['endedVersions']>): ReturnType<Facts['endedVersions']> {
    return this.#read.retention.endedVersions(...args);
  }

  async versionsOf(...args: Parameters<Facts['versionsOf']>): ReturnType<Facts['versionsOf']> {
    return this.#read.retention.versionsOf(...args);
  }

  async tombstonesOf(...args: Parameters<Facts['tombstonesOf']>): ReturnType<Facts['tombstonesOf']> {
    return this.#read.retention.tombstonesOf(...args);
  }

  async policies(vault: VaultId, nowMs: number): Promise<PolicyHistory> {
    return this.#read.retention.policies(vault, nowMs);
  }

  async holds(account: AccountId): Promise<readonly HoldFacts[]> {
    return this.#read.retention.holds(account);
  }

  async vaultsToExpire(): Promise<readonly VaultId[]> {
    return this.#read.retention.vaultsToExpire();
  }

  async foundExpiries(vault: VaultId, limit: number): Promise<readonly FoundExpiry[]> {
    return this.#read.retention.foundExpiries(vault, limit);
  }

  async vaultsToRecover(): Promise<readonly VaultId[]> {
    return this.#read.vaultsToRecover();
  }

  async foundCommits(vault: VaultId, seq: number): Promise<readonly FoundCommit[]> {
    return this.#read.foundCommits(vault, seq);
  }

  async foundAfter(vault: VaultId, seq: number, limit: number): Promise<readonly FoundCommit[]> {
    return this.#read.foundAfter(vault, seq, limit);
  }

  async packs(): Promise<readonly PackProgress[]> {
    return this.#read.packs();
  }

  async vault(vault: VaultId): Promise<VaultFacts | undefined> {
    return this.#read.vault(vault);
  }

  async vaultsOf(member: AccountId | VaultId): Promise<readonly MembershipFacts[]> {
    return this.#read.vaultsOf(member);
  }

  async commits(vault: VaultId, after: number, limit: number): Promise<readonly AppliedCommit[]> {
    return this.#read.commits(vault, after, limit);
  }

  async journalBytes(vault: VaultId): Promise<number> {
    return this.#read.journalBytes(vault);
  }

  async teamSeq(team: VaultId, head: Hash): Promise<number | undefined> {
    return this.#read.teamSeq(team, head);
  }

  async teamStateUpTo(team: VaultId, seq: number): Promise<Uint8Array | undefined> {
    return this.#read.teamStateUpTo(team, seq);
  }

  isStored(question: StoredQuestion): boolean {
    return this.#read.isStored(question);
  }

  async readableChunks(look: LookUpChunks): Promise<readonly (ChunkPlace | undefined)[]> {
    return this.#read.readableChunks(look);
  }

  async usage(owner: AccountId): Promise<UsageFacts> {
    return this.#read.usage(owner);
  }

  async writtenBytes(owner: AccountId, writer: AccountId): Promise<number> {
    return this.#read.writtenBytes(owner, writer);
  }

  sweepChunks(sweep: SweepChunks): Promise<Swept> {
    return this.#changes.call('sweepChunks', sweep);
  }

  collectSegments(segments: CollectSegments): Promise<Collected> {
    return this.#changes.call('collectSegments', segments);
  }

  async packsToCompact(after: PackCursor | undefined, limit: number): Promise<readonly PackUse[]> {
    return this.#read.collection.packsToCompact(after, limit);
  }

  async emptyPacks(limit: number): Promise<readonly PackUse[]> {
    return this.#read.collection.emptyPacks(limit);
  }

  async liveRecords(look: LiveRecords): Promise<readonly ChunkPlace[]> {
    return this.#read.collection.liveRecords(look);
  }

  forgetPack(pack: PackId): Promise<void> {
    return this.#changes.call('forgetPack', pack);
  }

  markChunks(mark: MarkChunks): Promise<void> {
    return this.#changes.call('markChunks', mark);
  }

  async lostChunks(look: LookUpLost): Promise<readonly LostChunk[]> {
    return this.#read.collection.lostChunks(look);
  }

  async hasUnplaced(owner: AccountId): Promise<boolean> {
    return this.#read.collection.hasUnplaced(owner);
  }

  async recount(signal?: AbortSignal): Promise<readonly UsageDifference[]> {
    const { differences, correction } = await recount(this.#path, signal);
    if (Object.values(correction).some((changes) => changes.length > 0))
      await this.#changes.call('correct', correction);
    return differences;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader?.close();
    this.#reader = undefined;
    await this.#changes[Symbol.asyncDispose]();
  }

  get #read(): FactsReader {
    if (!this.#reader) throw new CofferError('SHUTTING_DOWN', 'the index is closed');
    return this.#reader;
  }
}

function watched(changes: FactsChanges, onFailed: (error: unknown) => void): FactsChanges {
  return {
    call: async (name, ...args) => {
      try {
        return await changes.call(name, ...args);
      } catch (error) {
        if (isCofferError(error, 'IO')) onFailed(error);
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => changes[Symbol.asyncDispose](),
  };
}
