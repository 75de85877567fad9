import type { Vault, VaultPath } from '@coffer/client';
import type { Clock, DeviceId, Random } from '@coffer/core';
import type { MaxDelete } from './max-delete.ts';

/** `push`: the vault becomes the folder. `pull`: the folder becomes the vault. `two-way`: both get what the other has new. */
export type SyncMode = 'push' | 'pull' | 'two-way';

/** What a sync job is: the same in each of its runs (CLI §Sync). */
export interface JobOptions {
  readonly vault: Vault;
  /** The folder; bytes where its path is not UTF-8. */
  readonly local: string | Uint8Array;
  readonly path: VaultPath;
  readonly mode: SyncMode;
  /** Folder of the profile for the states of jobs; made when needed. */
  readonly stateDirectory: string;
  /** Name of this device, for conflict names. */
  readonly deviceName: string;
  /** Id of this device: its own versions are no conflict when the job's state is lost. */
  readonly device?: DeviceId;
  /** Also remove what the side that leads no longer has. Default false; two-way always carries removals. */
  readonly delete?: boolean;
  /** Patterns in the syntax of gitignore, after those of `.cofferignore`. */
  readonly exclude?: readonly string[];
  readonly maxFileSizeBytes?: number;
  /** The folder of the job that this one is part of: the two know of each other, and run at the same time. */
  readonly within?: string;
  /** Default 25 % of at least 100 files. */
  readonly maxDelete?: MaxDelete;
  /** Stay on the filesystem of the folder. Default false. */
  readonly oneFilesystem?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
}
