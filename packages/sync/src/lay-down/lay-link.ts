import type { FileTimes, LinkTarget } from '@coffer/client';
import { CofferError } from '@coffer/core';
import type { Timestamp } from '@coffer/core';
import type { ByteName } from '../byte-name.ts';
import { sameTarget } from '../compare.ts';
import type { Stamp } from '../stamp.ts';
import type { TemporaryNames } from '../temporary-name.ts';
import type { Folder } from './folder.ts';
import { freeName, takenByLikeName } from './free-name.ts';
import type { ConflictName } from './free-name.ts';

export interface LinkToLay {
  readonly folder: Folder;
  readonly name: ByteName;
  readonly target: LinkTarget;
  readonly mtime: Timestamp;
  /** What may be replaced; undefined when nothing should be there. */
  readonly expected: Stamp | undefined;
  /** Whatever is there is replaced. */
  readonly overwrite: boolean;
}

export interface LayLinkDeps {
  readonly temporaryNames: TemporaryNames;
  readonly times: FileTimes;
  readonly conflictName: ConflictName;
  /** As for files. */
  readonly refuseOtherNames?: boolean;
}

/**
 * Lays a symlink down: made under a temporary name, then renamed. Its target is only text here and is never followed.
 * @throws EXISTS when a directory is in the way; NOT_ALLOWED, NO_SPACE, INVALID, IO. Nothing is left behind
 */
export function layLink(deps: LayLinkDeps, link: LinkToLay): { readonly name: ByteName; readonly keptAs?: ByteName } {
  const { folder, target, mtime } = link;
  const temporary = deps.temporaryNames.next();
  folder.link(target, temporary);
  try {
    folder.setLinkTimes(temporary, { mtime, times: deps.times });
    const name = link.expected === undefined ? freeName(folder, link.name, deps.conflictName) : link.name;
    if (name !== link.name && deps.refuseOtherNames === true) throw takenByLikeName();
    const keptAs = makeWay(deps, { ...link, name });
    folder.rename(temporary, folder, name);
    return keptAs === undefined ? { name } : { name, keptAs };
  } catch (error) {
    folder.unlink(temporary);
    throw error;
  }
}

/** The name under which what stood there is kept. */
function makeWay(
  { conflictName }: LayLinkDeps,
  { folder, name, target, expected, overwrite }: LinkToLay,
): ByteName | undefined {
  const there = folder.look(name);
  if (there === undefined || there.stamp === expected) return undefined;
  if (there.kind === 'directory') throw new CofferError('EXISTS', 'a directory of this name is in the way');
  if (overwrite || (there.kind === 'symlink' && sameTarget(folder.target(name), target))) return undefined;
  const keptAs = conflictName(name, (other) => folder.look(other) !== undefined);
  folder.rename(name, folder, keptAs);
  return keptAs;
}
