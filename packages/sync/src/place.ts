import type { EntryId } from '@coffer/core';
import { joinPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';

/**
 * Where something is on this machine, as a chain of names below the root. Mutable on purpose: when an executor renames a
 * directory it changes that one object, and every path below is right again.
 */
export interface LocalPlace {
  parent: LocalPlace | undefined;
  name: ByteName;
}

/**
 * A directory as it will be after the plan: its name is the final one, `entry` and `base` are filled in by the executor
 * for those that the plan makes.
 */
export interface Place {
  readonly parent: Place | undefined;
  readonly name: ByteName;
  /** The directory on this machine; undefined until it is made. */
  local: LocalPlace | undefined;
  /** The directory in the vault; undefined until it is made. */
  entry: EntryId | undefined;
  /** Number in the base; undefined until it is remembered. */
  base: number | undefined;
  /** The directory of the vault that holds the root of a job: no part of the job itself. */
  readonly isAboveRoot?: boolean;
  /** Renamed by the plan that it is in, with everything below it. */
  readonly isMoved?: boolean;
  /** Not the entry of the vault that base knows under this name: what base says of all that is below is about another one. */
  readonly isOther?: boolean;
}

/** True when base knows nothing of what is in a directory as it is now: it, or one above it, is another one. */
export function isInOther(place: Place): boolean {
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) if (at.isOther === true) return true;
  return false;
}

/** True when the plan renames a directory that the place is or is in. */
export function isInMoved(place: Place): boolean {
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) if (at.isMoved === true) return true;
  return false;
}

/** Path below the root of something at a local place; the root is the empty path. */
export function localPath(place: LocalPlace | undefined): ByteName {
  let path: ByteName = '';
  for (let at = place; at?.parent !== undefined; at = at.parent) path = above(at.name, path);
  return path;
}

/** Path below the root of the plan, for people and for ignore rules; the root is the empty path. */
export function placePath(place: Place | undefined): ByteName {
  let path: ByteName = '';
  for (let at = place; at?.parent !== undefined && at.parent.isAboveRoot !== true; at = at.parent)
    path = above(at.name, path);
  return path;
}

function above(name: ByteName, path: ByteName): ByteName {
  return path === '' ? name : joinPath(name, path);
}

/** Path of a name in a directory of the plan; the root itself is the empty path. */
export function pathIn({ parent, name }: { readonly parent: Place; readonly name: ByteName }): ByteName {
  return parent.isAboveRoot === true ? '' : joinPath(placePath(parent), name);
}
