import type { FileTimes } from '@coffer/client';
import { equalBytes, rootEntry } from '@coffer/core';
import type { CofferError } from '@coffer/core';
import { fileError } from '../file-error.ts';
import type { LocalPlace, Place } from '../place.ts';
import { makeRemoteStamp, parseRemoteStamp } from '../remote-tree.ts';
import type { RemoteStamp, RemoteTree } from '../remote-tree.ts';
import type { Stamp } from '../stamp.ts';
import type { Folder } from './folder.ts';
import type { OpenFolders } from './open-folders.ts';

export interface FolderAttributesDeps {
  readonly folders: OpenFolders;
  readonly times: FileTimes;
  readonly remote: RemoteTree;
}

export interface AppliedAttributes {
  readonly place: Place;
  readonly remote: RemoteStamp;
  /** The directory as it now is; undefined with an error. */
  readonly local: Stamp | undefined;
  readonly error: CofferError | undefined;
}

/**
 * Times and modes of directories. Whatever is made, renamed or removed in a directory changes its mtime, and one that may not
 * be written into must be for a while: so all of them are set at the end, the deepest first.
 */
export class FolderAttributes {
  readonly #deps: FolderAttributesDeps;
  readonly #wanted = new Map<Place, RemoteStamp | undefined>();
  /** Modes that were changed to be able to write. */
  readonly #modes = new Map<LocalPlace, number>();
  /** Known to be writable: looked at once, not for each file in them. */
  readonly #writable = new Set<LocalPlace>();

  constructor(deps: FolderAttributesDeps) {
    this.#deps = deps;
  }

  /** The directory gets what the vault says. */
  want(place: Place, remote: RemoteStamp): void {
    this.#wanted.set(place, remote);
  }

  /** Something is about to change in this directory. @throws NOT_ALLOWED when it cannot be made writable */
  touch(place: Place, folder: Folder): void {
    if (!this.#wanted.has(place)) this.#wanted.set(place, undefined);
    if (place.local === undefined || this.#writable.has(place.local)) return;
    const mode = folder.makeWritable();
    this.#writable.add(place.local);
    if (mode !== undefined) this.#modes.set(place.local, mode);
  }

  /** Sets them all; one that fails does not hold up the others. */
  *apply(): Iterable<AppliedAttributes> {
    for (const place of [...this.#wanted.keys()].toSorted((a, b) => depth(b) - depth(a))) {
      const remote = this.#wanted.get(place) ?? this.#remoteOf(place);
      if (place.local === undefined) continue;
      if (remote === undefined) this.#restoreMode(place.local);
      else yield this.#apply(place, { local: place.local, remote });
    }
  }

  #apply(place: Place, { local, remote }: { local: LocalPlace; remote: RemoteStamp }): AppliedAttributes {
    const { mtime, mode } = parseRemoteStamp(remote);
    try {
      const folder = this.#deps.folders.now(local);
      folder.setOwnAttributes({ mode, mtime, times: this.#deps.times });
      return { place, remote, local: folder.stamp, error: undefined };
    } catch (error) {
      return { place, remote, local: undefined, error: fileError(error) };
    }
  }

  #restoreMode(local: LocalPlace): void {
    const mode = this.#modes.get(local);
    if (mode !== undefined) this.#deps.folders.now(local).setOwnMode(mode);
  }

  /** The root of a vault has no times of its own, and what is above a job is not the job's. */
  #remoteOf({ entry, isAboveRoot }: Place): RemoteStamp | undefined {
    if (entry === undefined || isAboveRoot === true || equalBytes(entry, rootEntry)) return undefined;
    const directory = this.#deps.remote.get(entry);
    return directory === undefined ? undefined : makeRemoteStamp(directory);
  }
}

function depth(place: Place): number {
  let count = 0;
  for (let at = place.parent; at !== undefined; at = at.parent) count += 1;
  return count;
}
