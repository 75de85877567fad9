import type { EntryId } from '@coffer/core';
import type { RetentionPolicy } from '@coffer/journal';
import type { Version } from './entry.ts';

/** Why a version is still there, or that it is not. */
export type VersionState =
  | 'current'
  /** By the rules of retention. */
  | 'kept'
  /** A purge has been asked for and waits. */
  | 'purging'
  | 'expired'
  /** The server does not have it, and had no right to drop it. */
  | 'lost';

export interface KeptVersion {
  readonly version: Version;
  readonly state: VersionState;
  /** When it goes, milliseconds, or went; undefined while nothing changes that would make it go. */
  readonly untilMs: number | undefined;
  /** What made it go. */
  readonly cause: 'rules' | 'purge' | undefined;
}

/** How long versions are kept. */
export interface RetentionInForce {
  readonly policy: RetentionPolicy;
  /** False when the journal sets none: then it is the server's default, or what is assumed of it. */
  readonly isSet: boolean;
}

/** How long the versions of a vault are kept. What it says without the server comes from the folded journal. */
export interface VaultHistory {
  /** From the journal alone. */
  policyAt(nowMs: number): RetentionInForce;
  /** Versions of a file, newest first, and until when each is kept, from the journal alone. */
  versions(entry: EntryId, nowMs: number): readonly KeptVersion[];
}
