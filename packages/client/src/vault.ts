import type { AccountId, CofferError, DeviceId, EntryId, Hash, VaultId } from '@coffer/core';
import type { CommitBatch, CommitBatchOptions } from './commit-batch.ts';
import type { Downloader, DownloaderOptions } from './downloader.ts';
import type { EntryName, Role } from '@coffer/journal';
import type { VaultHistory } from './history.ts';
import type { LostContent } from './lost-content.ts';
import type { TreeReader } from './tree-reader.ts';
import type { Uploader, UploaderOptions } from './uploader.ts';

export interface VaultHead {
  readonly seq: number;
  readonly hash: Hash;
}

export interface PullReport {
  readonly before: number;
  readonly after: number;
  /** Commits whose operations count for nothing (JOURNAL §Fold). */
  readonly voidCommits: number;
  readonly skippedOperations: number;
}

export interface VerifyProblem {
  readonly path: readonly EntryName[];
  readonly entry: EntryId;
  readonly error: CofferError;
}

export interface VerifyReport {
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly VerifyProblem[];
}

export interface VerifyOptions {
  /** Chance that a chunk is read, 0 to 100; default 100. */
  readonly samplePercent?: number;
  readonly onProgress?: (done: { readonly files: number; readonly bytes: number }) => void;
}

/** How a sync run is announced to the server (PROTOCOL §Bulk). */
export interface JobRun {
  end(status: 'done' | 'failed' | 'interrupted', counts: Readonly<Record<string, number>>): Promise<void>;
}

/** Author of a commit that is void, or of which operations were skipped. */
export interface IgnoredAuthor {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly seq: number;
  readonly isVoid: boolean;
}

/** What was pulled and counts for nothing, the same on every device (JOURNAL §Fold). */
export interface Ignored {
  readonly voidCommits: number;
  readonly skippedOperations: number;
  /** One for each such commit, the first hundred. */
  readonly authors: readonly IgnoredAuthor[];
}

/** One vault of the account: its folded tree, and the ways to change and read it. */
export interface Vault {
  readonly id: VaultId;
  readonly tree: TreeReader;
  /**
   * Changes when the server went back behind what this device had seen of the vault: whatever was remembered of it before
   * must be compared anew. 0 as long as that never happened.
   */
  readonly lineage: number;
  /** Right of the account in it, as of the last pull; undefined before the first, and where the journal gives none. */
  readonly role: Role | undefined;
  readonly head: VaultHead;
  readonly history: VaultHistory;
  /**
   * Fetches, checks and folds what is new. @throws ROLLBACK, INTEGRITY, UNREACHABLE; NOT_ALLOWED with {@link isEndOfShare} when the
   * account is no member any more; CONFLICT when the server went back since this object first met it, until {@link acceptRestored}
   */
  pull(signal?: AbortSignal): Promise<PullReport>;
  /** Goes on with a server that was restored meanwhile. To be called by who has forgotten all that was planned before. */
  acceptRestored(): void;
  /** The caller disposes what these give. */
  uploader(options?: UploaderOptions): Promise<Uploader>;
  downloader(options?: DownloaderOptions): Promise<Downloader>;
  batch(options?: CommitBatchOptions): CommitBatch;
  /** Reads and checks the files below the entries without writing anything. */
  verify(entries: readonly EntryId[], options?: VerifyOptions, signal?: AbortSignal): Promise<VerifyReport>;
  /** What the server says it has lost of this vault; undefined when nothing. The caller disposes it. @throws UNREACHABLE */
  lostContent(signal?: AbortSignal): Promise<LostContent | undefined>;
  /**
   * One item once the server is reached, and one whenever it has something newer than the last; pull to get it. Ends with the
   * connection: whoever wants to go on watches again. @throws UNREACHABLE, TIMEOUT, SHUTTING_DOWN when it is lost or not made
   */
  watch(signal?: AbortSignal): AsyncIterable<{ readonly seq: number }>;
  /** Announces a sync run; `mode` as the command line has it. */
  beginJob(mode: 'push' | 'pull' | 'two-way', signal?: AbortSignal): Promise<JobRun>;
}
