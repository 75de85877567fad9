import type { CofferError, EntryId } from '@coffer/core';
import type { RetentionPolicy } from '@coffer/journal';
import type { Entry, Version } from './entry.ts';

/** Whether a version is still there. */
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
  /** What makes it go, or made it go. */
  readonly cause: 'rules' | 'purge' | undefined;
}

/** How long versions are kept. */
export interface RetentionInForce {
  readonly policy: RetentionPolicy;
  /** False when the journal sets none: then it is what servers do unless their administrator says otherwise. */
  readonly isSet: boolean;
}

/** A hold keeps everything, whatever policy and purges say. */
export interface HoldState {
  /** Also after it was taken off, until it ends. */
  readonly on: boolean;
  readonly sinceMs: number | null;
  readonly reason: string;
  /** When a hold ends that was taken off. */
  readonly endsAtMs: number | null;
}

/** What the server says of a vault. */
export interface RetentionReport {
  /** In force. */
  readonly policy: RetentionPolicy;
  /** Set, and in force from that moment on. */
  readonly pending: { readonly policy: RetentionPolicy; readonly fromMs: number } | null;
  readonly hold: HoldState;
  /** What would go at once under the policy that was asked about, holds and delays left out of account. */
  readonly expiring: { readonly versions: number; readonly storedBytes: number };
}

/** Names one version of a file. */
export type VersionName = Pick<Entry, 'entry' | 'seq'>;

/** How long the versions of a vault are kept. What it says without asking the server comes from the folded journal. */
export interface VaultHistory {
  /** From the journal alone. */
  policyAt(nowMs: number): RetentionInForce;
  /** Versions of a file, newest first, and until when each is kept; from the journal alone. */
  versions(entry: EntryId, nowMs: number): readonly KeptVersion[];
  /** The same as the server has it; what it says against the journal is `lost`. @throws UNREACHABLE */
  ask(entry: EntryId, signal?: AbortSignal): Promise<readonly KeptVersion[]>;
  /** `policy`: one to ask about, instead of the one in force. @throws UNREACHABLE */
  retention(policy?: RetentionPolicy, signal?: AbortSignal): Promise<RetentionReport>;
  /** Longer counts at once, shorter after seven days; another policy before that cancels it. @throws NOT_ALLOWED, UNREACHABLE, what appending throws */
  setPolicy(policy: RetentionPolicy, signal?: AbortSignal): Promise<void>;
  /** These versions, and no others that an earlier purge named, are destroyed in seven days; none cancels. @throws NOT_ALLOWED, UNREACHABLE, what appending throws */
  purge(entry: EntryId, seqs: readonly number[], signal?: AbortSignal): Promise<void>;
  /**
   * Why the server does not have the content of a version: EXPIRED when it had the right to drop it, else INTEGRITY. For an
   * `error` that is not about missing content, that error. @throws UNREACHABLE
   */
  explain(version: VersionName, error: unknown, signal?: AbortSignal): Promise<unknown>;
  /** The explanation when the server must no longer have a version; undefined while it must. @throws UNREACHABLE */
  expiry(version: VersionName, signal?: AbortSignal): Promise<CofferError | undefined>;
}
