import type { AccountId, Clock, Logger, Random, VaultId } from '@coffer/core';
import type { RetentionPolicy } from '@coffer/journal';
import type { Facts } from './facts/facts.ts';
import type { Disk } from './packs/disk.ts';

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
  /** Of an owner's quota, the part that each other writer may take (0.5 for half); null or absent: all. Asked each time. */
  readonly memberShare?: () => number | null;
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
