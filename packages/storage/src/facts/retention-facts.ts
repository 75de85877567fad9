import type { AccountId, EntryId, Hash, VaultId } from '@coffer/core';
import type { PolicyChange, UploaderIds } from '@coffer/journal';
import type { PackPlace } from '../packs/packs.ts';
import type { PackProgress } from './facts.ts';

/** Why a version went: the rules, or a purge of the owner. */
export type ExpiryCause = 'rules' | 'purge';

/** How a version ceased to be current. */
export type VersionEnd = 'replaced' | 'removed' | 'moved';

/** A version that goes, and what the commit that put it counted. */
export interface ExpiredPut {
  readonly entry: EntryId;
  readonly seq: number;
  readonly chunks: readonly UploaderIds[];
  /** n × 32 bytes. */
  readonly segments: Uint8Array;
}

/** Versions that a durable statement names. Those that are current, unknown or gone already are passed over. */
export interface ExpireVersions {
  readonly vault: VaultId;
  readonly owner: AccountId;
  readonly atMs: number;
  readonly cause: ExpiryCause;
  readonly versions: readonly ExpiredPut[];
  readonly packs: readonly PackProgress[];
  /** The found statement that is done with this. */
  readonly found?: Hash;
}

/** Who holds an account's versions. */
export type HoldBy = 'account' | 'admin' | 'alarm';

export interface HoldChange {
  readonly account: AccountId;
  readonly by: HoldBy;
  readonly on: boolean;
  /** A change that is not later than the last one of the same holder counts for nothing. */
  readonly atMs: number;
  readonly reason: string;
}

/** The last change of one holder. */
export interface HoldFacts extends Omit<HoldChange, 'account'> {
  /** Since when it has been on without a break. */
  readonly sinceMs: number;
}

/** An expiry found in a pack, to be carried out when its vault's commits are applied. */
export interface FoundExpiry {
  /** SHA-256 of the statement. */
  readonly id: Hash;
  readonly vault: VaultId;
  /** Of the pack. */
  readonly owner: AccountId;
  readonly place: PackPlace;
}

/** Statements that a recovery found beside commits. */
export interface FoundRetention {
  readonly expiries: readonly FoundExpiry[];
  readonly holds: readonly HoldChange[];
  /** Records of commits that count for nothing. */
  readonly setAside: readonly RecordPlace[];
}

/** Where a record begins. */
export type RecordPlace = Pick<PackPlace, 'pack' | 'offset'>;

/** What the rules ask about a version that is kept. Times are receive times, ms. */
export interface VersionFacts {
  readonly entry: EntryId;
  readonly seq: number;
  readonly fromMs: number;
  readonly endedAtMs: number | null;
  readonly ended: VersionEnd | null;
  readonly bytes: number;
  /** How many kept versions of the entry have a higher seq. */
  readonly newer: number;
  /** The drop of its entry; null for a live one. */
  readonly drop: { readonly reason: 'removed' | 'moved'; readonly atMs: number } | null;
  /** Receive time of the newest purge of the entry, if it names this version. */
  readonly purgeReceivedAtMs: number | null;
}

export interface Tombstone {
  readonly seq: number;
  readonly atMs: number;
  readonly cause: ExpiryCause;
}

/** A place in the order of (entry, seq). */
export interface VersionPlace {
  readonly entry: EntryId;
  readonly seq: number;
}

export interface VersionRange {
  readonly after: number;
  readonly limit: number;
}

/** What retention knows and changes; part of `Facts`. */
export interface RetentionFacts {
  /** The versions go, what they counted is counted down, tombstones stay. The same again changes nothing. */
  expireVersions(change: ExpireVersions): Promise<void>;
  changeHold(change: HoldChange, packs: readonly PackProgress[]): Promise<void>;

  /** In an order of its own, after a vault; at most `limit`. */
  vaultsAfter(after: VaultId | undefined, limit: number): Promise<readonly Pick<FoundExpiry, 'vault' | 'owner'>[]>;
  /** Versions that are not current, in order of entry and seq; at most `limit`. */
  endedVersions(vault: VaultId, after: VersionPlace | undefined, limit: number): Promise<readonly VersionFacts[]>;
  /** Kept versions of an entry in order of seq. */
  versionsOf(vault: VaultId, entry: EntryId, range: VersionRange): Promise<readonly VersionFacts[]>;
  tombstonesOf(vault: VaultId, entry: EntryId, range: VersionRange): Promise<readonly Tombstone[]>;
  /** Enough of the vault's policies for `effectivePolicy` at that time; the last one set is the last. */
  policies(vault: VaultId, nowMs: number): Promise<PolicyHistory>;
  holds(account: AccountId): Promise<readonly HoldFacts[]>;
  /** Vaults with expiries that were found and not yet carried out. */
  vaultsToExpire(): Promise<readonly VaultId[]>;
  /** In no order, at most `limit`. */
  foundExpiries(vault: VaultId, limit: number): Promise<readonly FoundExpiry[]>;
}

export interface PolicyHistory {
  readonly changes: readonly PolicyChange[];
  readonly last: PolicyChange | undefined;
}
