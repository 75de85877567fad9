import { isCofferError } from '@coffer/core';
import type { ByteName } from './byte-name.ts';
import type { OpenFolders } from './lay-down/open-folders.ts';
import type { LocalPlace } from './place.ts';

/** A file of a run that was killed. */
export interface Leftover {
  /** Path of the directory below the root. */
  readonly directory: ByteName;
  readonly name: ByteName;
}

/** Removes unfinished files. What cannot be removed now stays for the next run. */
export function removeLeftovers(folders: OpenFolders, leftovers: readonly Leftover[]): void {
  let at: { readonly directory: ByteName; readonly place: LocalPlace } | undefined;
  for (const { directory, name } of leftovers) {
    if (at?.directory !== directory) at = { directory, place: placeOf(directory) };
    try {
      folders.now(at.place).unlink(name);
    } catch (error) {
      if (!isCofferError(error)) throw error;
    }
  }
}

function placeOf(directory: ByteName): LocalPlace {
  let place: LocalPlace = { parent: undefined, name: '' };
  for (const name of directory.split('/').filter((part) => part !== '')) place = { parent: place, name };
  return place;
}
