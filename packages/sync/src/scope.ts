import type { ByteName } from './byte-name.ts';
import { isInMoved, isInOther, placePath } from './place.ts';
import type { Place } from './place.ts';

/**
 * Which part of both sides a run looks at. A run of touched directories plans only these: what base says of all others is
 * taken for true, so whoever makes a scope must know of every change on either side (SYNC §Watching).
 */
export interface Scope {
  /** Every directory is looked at. */
  readonly isWhole: boolean;
  /** False when neither the directory nor anything below it was touched. Paths are below the root of the job. */
  reaches(directory: ByteName): boolean;
  /** Told of a directory that is another entry than base knows, by its path: the plan looks into it with all below. */
  readonly onOther?: (directory: ByteName) => void;
  /** Names that were touched so lately that what is there may be half done, and what is gone may be about to come back. */
  readonly young: YoungNames;
}

export interface YoungNames {
  /** There are none: nobody needs to make up a path. */
  readonly isEmpty: boolean;
  isYoung(directory: ByteName, name: ByteName, isThere: boolean): boolean;
}

export const nothingYoung: YoungNames = { isEmpty: true, isYoung: () => false };

/** Everything, but for what is young. */
export function wholeScope(young: YoungNames = nothingYoung): Scope {
  return { isWhole: true, reaches: () => true, young };
}

export interface TouchedParts {
  /** Directories whose names are looked at, and those above them. */
  readonly directories: Iterable<ByteName>;
  /** Directories that are looked at with everything below. */
  readonly trees: Iterable<ByteName>;
  /**
   * Directories that plans before found to be other entries, looked at like trees; the plan adds its own. Base may know them before
   * all below them is done, so they are the caller's to keep until a pass succeeded.
   */
  readonly others?: Set<ByteName>;
  readonly young: YoungNames;
}

/** The directories that were touched, and those that lead to them. */
export function touchedScope({ directories, trees, young, others = new Set() }: TouchedParts): Scope {
  const listed = new Set<ByteName>(['']);
  const whole = new Set([...trees, ...others]);
  for (const directory of directories) addWithAbove(listed, directory);
  for (const directory of whole) addWithAbove(listed, directory);
  return {
    isWhole: false,
    reaches: (directory) => listed.has(directory) || isBelow(whole, directory),
    onOther: (directory) => others.add(directory),
    young,
  };
}

/**
 * True when a directory that both sides have is to be looked into. What the plan itself makes or renames always is, and what
 * changed places with another one: nobody tells of what is below those.
 */
export function isInScope(scope: Scope | undefined, place: Place): boolean {
  if (place.isOther === true) scope?.onOther?.(placePath(place));
  if (scope === undefined || scope.isWhole || place.base === undefined || isInMoved(place) || isInOther(place))
    return true;
  return scope.reaches(placePath(place));
}

function addWithAbove(listed: Set<ByteName>, directory: ByteName): void {
  for (let at = directory; !listed.has(at); at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) listed.add(at);
}

function isBelow(trees: ReadonlySet<ByteName>, directory: ByteName): boolean {
  if (trees.size === 0) return false;
  if (trees.has('')) return true;
  for (let end = directory.length; end > 0; end = directory.lastIndexOf('/', end - 1))
    if (trees.has(directory.slice(0, end))) return true;
  return false;
}
