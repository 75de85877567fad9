import type { Entry, TreeReader } from '@coffer/client';
import { CofferError, idKey } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { ByteName } from './byte-name.ts';
import { createRemoteTree, remoteNode } from './remote-tree.ts';
import type { RemoteNode, RemoteTree } from './remote-tree.ts';

/** An entry, maybe an old version of it, that shall have this name. */
export interface NamedEntry {
  readonly name: ByteName;
  readonly entry: Entry;
}

/** Entries from anywhere in the vault, as the children of one directory that exists nowhere (`get a b c folder`). */
export class ItemTree implements RemoteTree {
  /** Of the directory that exists nowhere: no entry of a vault, whose first bytes are a time. */
  static readonly top: EntryId = new Uint8Array(16).fill(0xff);
  readonly #tree: RemoteTree;
  readonly #items: readonly NamedEntry[];
  readonly #byEntry: ReadonlyMap<string, Entry>;

  constructor(tree: TreeReader, items: readonly NamedEntry[]) {
    this.#tree = createRemoteTree(tree);
    this.#items = items;
    this.#byEntry = new Map(items.map(({ entry }) => [entry.key, entry]));
    if (new Set(items.map(({ name }) => name)).size < items.length) {
      throw new CofferError('INVALID', 'two of the paths would get the same name', { hint: 'Get them one by one.' });
    }
  }

  children(directory: EntryId): readonly RemoteNode[] {
    if (idKey(directory) !== idKey(ItemTree.top)) return this.#tree.children(directory);
    return this.#items.map(({ name, entry }) => ({ ...remoteNode(entry), name }));
  }

  entries(directory: EntryId): readonly Entry[] {
    return idKey(directory) === idKey(ItemTree.top)
      ? this.#items.map(({ entry }) => entry)
      : this.#tree.entries(directory);
  }

  get(entry: EntryId): Entry | undefined {
    return this.#byEntry.get(idKey(entry)) ?? this.#tree.get(entry);
  }
}
