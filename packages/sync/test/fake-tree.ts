import type { Content, Entry, EntryKind, EntryName, LinkTarget, TreeReader, VaultPath } from '@coffer/client';
import { nameToBytes, splitPath } from '@coffer/client';
import { compareBytes, equalBytes, idKey, rootEntry, toHex } from '@coffer/core';
import type { DeviceId, EntryId, Hash, Timestamp } from '@coffer/core';

/** One entry of a vault in memory. */
export interface Node {
  entry: EntryId;
  parent: EntryId;
  name: EntryName;
  kind: EntryKind;
  mtime: Timestamp;
  mode: number;
  target: LinkTarget | undefined;
  content: Content;
  contentHash: Hash | undefined;
  size: number;
  version: number;
  seq: number;
  device: DeviceId | undefined;
}

/** A directory in which the commit of a position changed something. */
export interface Change {
  readonly seq: number;
  readonly directory: readonly EntryName[];
}

/** Nodes by entry, and by parent. */
export class NodeMap {
  readonly #byEntry = new Map<string, Node>();
  readonly #byParent = new Map<string, Map<string, Node>>();

  /** As it is now; nodes themselves never change. */
  copy(): NodeMap {
    const copy = new NodeMap();
    for (const [key, node] of this.#byEntry) copy.set(key, node);
    return copy;
  }

  get(key: string): Node | undefined {
    return this.#byEntry.get(key);
  }

  below(parent: EntryId): Iterable<Node> {
    return this.#byParent.get(idKey(parent))?.values() ?? [];
  }

  set(key: string, node: Node): void {
    this.delete(key);
    this.#byEntry.set(key, node);
    if (equalBytes(node.entry, rootEntry)) return;
    const siblings = this.#byParent.get(idKey(node.parent)) ?? new Map<string, Node>();
    siblings.set(toHex(nameToBytes(node.name)), node);
    this.#byParent.set(idKey(node.parent), siblings);
  }

  delete(key: string): void {
    const node = this.#byEntry.get(key);
    if (node === undefined) return;
    this.#byEntry.delete(key);
    this.#byParent.get(idKey(node.parent))?.delete(toHex(nameToBytes(node.name)));
  }

  /** Names from the root; undefined for what is not there. */
  path(entry: EntryId): readonly EntryName[] | undefined {
    const names: EntryName[] = [];
    for (let at = this.get(idKey(entry)); ; at = this.get(idKey(at.parent))) {
      if (at === undefined) return undefined;
      if (equalBytes(at.entry, rootEntry)) return names;
      names.unshift(at.name);
    }
  }

  named(parent: EntryId, name: EntryName): Node | undefined {
    return this.#byParent.get(idKey(parent))?.get(toHex(nameToBytes(name)));
  }
}

/** What the vault in memory holds, read as the interface says. */
export class FakeTree implements TreeReader {
  readonly seq: number;
  readonly #nodes: NodeMap;
  readonly #changes: readonly Change[];

  constructor(nodes: NodeMap, seq: number, changes: readonly Change[] = []) {
    this.#nodes = nodes;
    this.seq = seq;
    this.#changes = changes;
  }

  changedDirectories(afterSeq: number): readonly (readonly EntryName[])[] {
    return this.#changes.filter(({ seq }) => seq > afterSeq && seq <= this.seq).map(({ directory }) => directory);
  }

  root(): Entry {
    return entryOf(this.#node(rootEntry));
  }

  lookup(path: VaultPath): Entry | undefined {
    let at: Entry | undefined = this.root();
    for (const name of typeof path === 'string' ? splitPath(path) : path) {
      if (at !== undefined) at = this.child(at.entry, name);
    }
    return at;
  }

  get(entry: EntryId): Entry | undefined {
    const node = this.#nodes.get(idKey(entry));
    return node === undefined ? undefined : entryOf(node);
  }

  child(parent: EntryId, name: EntryName): Entry | undefined {
    const node = this.#nodes.named(parent, name);
    return node === undefined ? undefined : entryOf(node);
  }

  children(parent: EntryId): readonly Entry[] {
    return [...this.#nodes.below(parent)]
      .map(entryOf)
      .toSorted((a, b) => compareBytes(nameToBytes(a.name), nameToBytes(b.name)));
  }

  eachChild(parent: EntryId): Iterable<Entry> {
    return this.children(parent);
  }

  listing(): never {
    throw new TypeError('not used by sync');
  }

  *walk(): Iterable<never> {
    // Not used by sync.
  }

  path(): undefined {
    return undefined;
  }

  versions(): readonly [] {
    return [];
  }

  at(): TreeReader {
    return this;
  }

  atSeq(): TreeReader {
    return this;
  }

  removedSeq(): undefined {
    return undefined;
  }

  timeOf(): undefined {
    return undefined;
  }

  hidden(): readonly [] {
    return [];
  }

  deleted(): readonly [] {
    return [];
  }

  *find(): Iterable<never> {
    // Not used by sync.
  }

  #node(entry: EntryId): Node {
    const node = this.#nodes.get(idKey(entry));
    if (node === undefined) throw new TypeError('no such node');
    return node;
  }
}

export function blank({ entry, parent, name, kind }: Pick<Node, 'entry' | 'parent' | 'name' | 'kind'>): Node {
  const nothing = { content: [] as Content, contentHash: undefined, size: 0, target: undefined, device: undefined };
  return { ...nothing, entry, parent, name, kind, mtime: [0, 0], mode: 0o755, version: 1, seq: 1 };
}

function entryOf(node: Node): Entry {
  return { ...node, key: idKey(node.entry), receivedAtMs: 0 };
}
