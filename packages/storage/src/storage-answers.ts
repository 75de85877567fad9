import type { AccountId, Hash, VaultId } from '@coffer/core';

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

/** What one account has sent into the vaults of another: chunks, segments and commits, records' headers included. */
export interface MemberUsage {
  readonly storedBytes: number;
  /** Null: no limit but the owner's own. */
  readonly quotaBytes: number | null;
}

export interface StorageStatus {
  /** False once something failed for good. */
  readonly ready: boolean;
  readonly writable: boolean;
  readonly freeBytes: number;
  readonly reserveBytes: number;
}
