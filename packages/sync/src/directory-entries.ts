import type { Entry } from '@coffer/client';
import { idKey } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { RemoteTree } from './remote-tree.ts';

/** Lanes work on the end of one directory and the beginning of the next. */
const maxDirectories = 3;

/** Entries by id for work that goes from directory to directory, read one directory at a time. */
export class DirectoryEntries {
  readonly #remote: RemoteTree;
  /** Least recently used first. */
  readonly #directories = new Map<string, ReadonlyMap<string, Entry>>();

  constructor(remote: RemoteTree) {
    this.#remote = remote;
  }

  find(directory: EntryId | undefined, entry: EntryId): Entry | undefined {
    if (directory === undefined) return this.#remote.get(entry);
    return this.#entries(directory).get(idKey(entry)) ?? this.#remote.get(entry);
  }

  #entries(directory: EntryId): ReadonlyMap<string, Entry> {
    const key = idKey(directory);
    const known = this.#directories.get(key);
    if (known !== undefined) return known;
    const entries = new Map(this.#remote.entries(directory).map((entry) => [entry.key, entry]));
    this.#directories.set(key, entries);
    for (const oldest of this.#directories.keys()) {
      if (this.#directories.size <= maxDirectories) break;
      this.#directories.delete(oldest);
    }
    return entries;
  }
}
