import type { CofferError } from '@coffer/core';
import type { BasePlace } from './base.ts';
import type { ByteName } from './byte-name.ts';
import type { LocalPlace, Place } from './place.ts';
import type { RemoteStamp } from './remote-tree.ts';
import type { Stamp } from './stamp.ts';

/** Why a step is in the plan; shown by `--dry-run`. */
export const reasons = {
  new: 'new',
  changed: 'changed',
  unknown: 'not compared yet',
  overwritesNewer: 'changed, over a newer version of another device',
  missing: 'missing here',
  goneThere: 'no longer in the vault',
  goneHere: 'no longer in the folder',
  notHere: 'not in the folder',
  renamed: 'renamed',
  attributes: 'times or mode changed',
  otherKind: 'another kind of file stands in its place',
} as const;

export type Reason = keyof typeof reasons;

interface StepBase {
  /** The directory that holds the name after the plan. */
  readonly parent: Place;
  readonly name: ByteName;
  readonly reason: Reason;
}

/** Makes a directory on the side that lacks it. */
export interface MakeDirectoryStep extends StepBase {
  readonly action: 'make-directory';
  readonly place: Place;
  readonly local: Stamp | undefined;
  readonly remote: RemoteStamp | undefined;
}

/** Renames an entry of the vault (push) or a local file or directory (pull). */
export interface MoveStep extends StepBase {
  readonly action: 'move';
  /** The directory itself, when it is one. */
  readonly place: Place | undefined;
  /** Where it is on this machine: already at its new place for push, still at the old one for pull. */
  readonly from: LocalPlace;
  readonly fromBase: BasePlace | undefined;
  /** The directory that it leaves, whose times change with that (pull). */
  readonly leaves: Place | undefined;
  readonly local: Stamp;
  readonly remote: RemoteStamp;
  /** False when a later step handles the content, and remembers it. */
  readonly remember: boolean;
  /** What base remembers where the two sides still differ, so that the other plan finds the difference (two-way). */
  readonly agreed?: { readonly local: Stamp; readonly remote: RemoteStamp };
}

/** Puts what stands in the way under a conflict name. */
export interface SetAsideStep extends StepBase {
  readonly action: 'set-aside';
  readonly newName: ByteName;
  /** Where it is on this machine (pull). */
  readonly from: LocalPlace | undefined;
  readonly local: Stamp | undefined;
  readonly remote: RemoteStamp | undefined;
  /** Base has an item of this name, which is of no use any more. */
  readonly hasBase: boolean;
  /** Both sides have something new under this name: what goes aside stays there. */
  readonly isConflict: boolean;
}

/** Sends a file: a new one, or a new version of `remote`. */
export interface UploadStep extends StepBase {
  readonly action: 'upload';
  readonly from: LocalPlace;
  readonly local: Stamp;
  readonly remote: RemoteStamp | undefined;
  /** True when the vault's version is one that this job has not seen, so different content is a conflict. */
  readonly overUnseen: boolean;
}

/** Lays a file down. */
export interface FetchStep extends StepBase {
  readonly action: 'fetch';
  readonly remote: RemoteStamp;
  /** What is there and may be replaced; undefined when nothing should be there. */
  readonly local: Stamp | undefined;
  /** When the local file is not what base says: compare, and keep both if they differ. */
  readonly keepBoth: boolean;
}

/** Makes or changes a symlink. */
export interface LinkStep extends StepBase {
  readonly action: 'link';
  readonly local: Stamp | undefined;
  readonly remote: RemoteStamp | undefined;
  /** Local text of the link (push). */
  readonly from: LocalPlace | undefined;
}

/** Sets times and mode on the side that follows. */
export interface AttributesStep extends StepBase {
  readonly action: 'attributes';
  readonly local: Stamp;
  readonly remote: RemoteStamp;
  /** The directory itself, when it is one. */
  readonly place: Place | undefined;
  /** False when the content of the local file is not known to be the vault's: then nothing is remembered. */
  readonly remember: boolean;
}

/** Removes an entry of the vault (push), or a local file or tree that is what base says (pull). */
export interface RemoveStep extends StepBase {
  readonly action: 'remove';
  readonly from: LocalPlace | undefined;
  readonly local: Stamp | undefined;
  readonly remote: RemoteStamp | undefined;
  readonly fromBase: BasePlace | undefined;
  /** Files and symlinks that go. */
  readonly files: number;
}

/** Both sides agree already: only the base learns it. */
export interface RememberStep extends StepBase {
  readonly action: 'remember';
  readonly local: Stamp;
  readonly remote: RemoteStamp;
  readonly place: Place | undefined;
}

/** Both sides lack it: the base forgets it. */
export interface ForgetStep extends StepBase {
  readonly action: 'forget';
  readonly fromBase: BasePlace;
}

export type Step =
  | MakeDirectoryStep
  | MoveStep
  | SetAsideStep
  | UploadStep
  | FetchStep
  | LinkStep
  | AttributesStep
  | RemoveStep
  | RememberStep
  | ForgetStep;

/** A path that could not be looked at or is no kind of file that a vault holds. */
export interface PlanProblem {
  readonly path: ByteName;
  readonly error: CofferError;
  /** False for what is skipped by rule (a FIFO): reported, but nothing failed. */
  readonly failed: boolean;
}

/** What a run will do, in the order of the lists: each step finds what it needs done by earlier ones. */
export interface Plan {
  readonly mode: 'push' | 'pull';
  /** Bookkeeping first, then directories from the top down, renames, and what is set aside. */
  readonly bookkeeping: readonly (RememberStep | ForgetStep)[];
  readonly structure: readonly (MakeDirectoryStep | MoveStep | SetAsideStep)[];
  readonly contents: readonly (UploadStep | FetchStep | LinkStep | AttributesStep)[];
  readonly removals: readonly RemoveStep[];
  /** For pull: times and modes of directories, set last and from the bottom up. */
  readonly directories: readonly AttributesStep[];
  readonly problems: readonly PlanProblem[];
  readonly counts: PlanCounts;
  /** Vault files that nothing here is known for any more, as candidates for a move found by content (push). */
  readonly vanishedFiles: readonly VanishedFile[];
  /** True when every entry below the vault path has, after the plan, an item in the base. */
  readonly complete: boolean;
  /** When it is done, the other direction finds something to do (two-way). */
  readonly leavesWork: boolean;
}

/** A file of the vault that is gone from the folder. */
export interface VanishedFile {
  readonly remote: RemoteStamp;
  readonly fromBase: BasePlace | undefined;
}

export interface PlanCounts {
  /** Files that are the same on both sides. */
  readonly unchanged: number;
  /** Conflicts the plan itself knows of. */
  readonly conflicts: number;
  /** Files on the side that follows, before the plan. */
  readonly filesThere: number;
  /** Files and symlinks that `removals` take away. */
  readonly removing: number;
  /** Files and plain bytes to send or fetch. */
  readonly files: number;
  readonly bytes: number;
}
