import type { Entry } from '@coffer/client';
import { idFromKey, idKey, rootEntry } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { BaseItem, BaseNode, BasePlace, BaseReader, BaseWriter } from '../src/base.ts';
import type { LocalListing, LocalNode, LocalTree } from '../src/local-tree.ts';
import { makeRemoteStamp } from '../src/remote-tree.ts';
import type { RemoteNode, RemoteTree } from '../src/remote-tree.ts';

/** A file or directory in memory, on either side. */
export interface MemoryNode {
  name: string;
  parent: MemoryNode | undefined;
  readonly children: Map<string, MemoryNode> | undefined;
  content: string;
  mtime: number;
  changed: number;
  mode: number;
  seq: number;
  readonly number: number;
}

/** A tree with the habits of a filesystem: numbers that survive renames, times that move on. */
class MemoryTree {
  /** Changes in a directory change its mtime. Off where a vault is (nothing happens there by itself) and where a pull restores them. */
  touches = true;
  #time: number;
  #number = 1;
  readonly top: MemoryNode;

  /** Two trees never note the same time: equal size and mtime mean the same file to a job that knows nothing else. */
  constructor(time = 1000) {
    this.#time = time;
    this.top = this.#node('', undefined, true);
  }

  /** The node of a path, its names joined by slashes. */
  at(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.top;
    for (const name of path.split('/').filter((part) => part !== '')) node = node?.children?.get(name);
    return node;
  }

  /** Makes directories on the way; false when a file is in the way. */
  makeDirectory(path: string): MemoryNode | undefined {
    let node = this.top;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (node.children === undefined) return undefined;
      node = node.children.get(name) ?? this.add(node, name, true);
    }
    return node.children === undefined ? undefined : node;
  }

  write(path: string, content: string): boolean {
    const slash = path.lastIndexOf('/');
    const directory = this.makeDirectory(path.slice(0, Math.max(0, slash)));
    if (directory === undefined) return false;
    const name = path.slice(slash + 1);
    const node = directory.children?.get(name) ?? this.add(directory, name, false);
    if (node.children !== undefined) return false;
    this.setContent(node, content);
    return true;
  }

  setContent(node: MemoryNode, content: string): void {
    node.content = content;
    node.mtime = node.changed = this.#tick();
    node.seq = this.#time;
  }

  add(parent: MemoryNode, name: string, isDirectory: boolean): MemoryNode {
    const node = this.#node(name, parent, isDirectory);
    parent.children?.set(name, node);
    this.#touch(parent);
    return node;
  }

  remove(node: MemoryNode): void {
    if (node.parent === undefined) return;
    node.parent.children?.delete(node.name);
    this.#touch(node.parent);
  }

  /** False when it would go below itself or when the name is taken. */
  rename(node: MemoryNode, parent: MemoryNode, name: string): boolean {
    for (let at: MemoryNode | undefined = parent; at !== undefined; at = at.parent) if (at === node) return false;
    if (node.parent === undefined || parent.children === undefined || parent.children.has(name)) return false;
    this.remove(node);
    node.parent = parent;
    node.name = name;
    node.changed = this.#tick();
    parent.children.set(name, node);
    this.#touch(parent);
    return true;
  }

  /** Files by path. */
  files(node = this.top, path = ''): Map<string, MemoryNode> {
    const found = new Map<string, MemoryNode>();
    for (const [name, child] of node.children ?? []) {
      const below = path === '' ? name : `${path}/${name}`;
      if (child.children === undefined) found.set(below, child);
      else for (const [at, file] of this.files(child, below)) found.set(at, file);
    }
    return found;
  }

  #node(name: string, parent: MemoryNode | undefined, isDirectory: boolean): MemoryNode {
    const mtime = this.#tick();
    const children = isDirectory ? new Map<string, MemoryNode>() : undefined;
    const mode = isDirectory ? 0o755 : 0o644;
    return { name, parent, children, content: '', mtime, changed: mtime, mode, seq: 0, number: this.#number++ };
  }

  #touch(directory: MemoryNode): void {
    if (this.touches) directory.mtime = this.#tick();
  }

  #tick(): number {
    this.#time += 1;
    return this.#time;
  }
}

/** The folder, as the planner reads it. */
export class MemoryFolder extends MemoryTree implements LocalTree {
  root(): LocalNode {
    return nodeOf(this.top);
  }

  list(path: string): LocalListing {
    const children = [...(this.at(path)?.children?.values() ?? [])];
    return { nodes: children.map(nodeOf).toSorted((a, b) => (a.name < b.name ? -1 : 1)), problems: [] };
  }

  target(): string {
    return '';
  }
}

export function nodeOf(node: MemoryNode): LocalNode {
  const { name, number, mtime, changed, content } = node;
  if (node.children !== undefined)
    return { name, kind: 'directory', stamp: `0:${mtime}:0:${number}:${0o40000 | node.mode}` };
  return { name, kind: 'file', stamp: `${content.length}:${mtime}:${changed}:${number}:${0o100000 | node.mode}` };
}

/** The vault, as the planner reads it. */
export class MemoryVault extends MemoryTree implements RemoteTree {
  override touches = false;

  constructor() {
    super(1_000_000);
  }

  children(directory: EntryId): readonly RemoteNode[] {
    return [...(this.find(directory)?.children?.values() ?? [])].map((node) => ({
      name: node.name,
      kind: node.children === undefined ? 'file' : 'directory',
      stamp: this.stamp(node),
    }));
  }

  get(entry: EntryId): Entry | undefined {
    const node = this.find(entry);
    if (node === undefined) return undefined;
    const content = { content: [], contentHash: undefined, target: undefined, device: undefined };
    const key = idKey(entry);
    return { ...this.#fields(node), ...content, key, parent: rootEntry, name: node.name, version: 1, receivedAtMs: 0 };
  }

  entries(): readonly Entry[] {
    return [];
  }

  stamp(node: MemoryNode): string {
    return makeRemoteStamp(this.#fields(node));
  }

  entry(node: MemoryNode): EntryId {
    return node === this.top ? rootEntry : idFromKey<'entry'>(node.number.toString(16).padStart(32, '0'));
  }

  find(entry: EntryId, node = this.top): MemoryNode | undefined {
    if (idKey(this.entry(node)) === idKey(entry)) return node;
    for (const child of node.children?.values() ?? []) {
      const found = this.find(entry, child);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #fields(node: MemoryNode) {
    const kind = node.children === undefined ? ('file' as const) : ('directory' as const);
    const { seq, mode, mtime, content } = node;
    return { kind, entry: this.entry(node), seq, mtime: [0, mtime] as const, mode, size: content.length };
  }
}

/** A base in memory. */
export class MemoryBase implements BaseReader, BaseWriter {
  readonly #items = new Map<number, Map<string, BaseNode>>();
  #next = 1;

  get hasItems(): boolean {
    return [...this.#items].some(([directory, items]) => directory !== 0 && items.size > 0);
  }

  root(): BaseNode | undefined {
    return this.children(0)[0];
  }

  children(directory: number): readonly BaseNode[] {
    return [...(this.#items.get(directory)?.values() ?? [])];
  }

  newDirectory(): number {
    return this.#next++;
  }

  remember({ directory, name }: BasePlace, item: BaseItem): void {
    const items = this.#items.get(directory) ?? new Map<string, BaseNode>();
    this.#items.set(directory, items.set(name, { name, ...item }));
  }

  forget({ directory, name }: BasePlace): void {
    const below = this.#items.get(directory)?.get(name)?.directory;
    if (below !== undefined) {
      for (const child of this.children(below)) this.forget({ directory: below, name: child.name });
    }
    this.#items.get(directory)?.delete(name);
  }

  drop({ directory, name }: BasePlace): void {
    this.#items.get(directory)?.delete(name);
  }

  sweep(): void {
    const directories = new Set([0, ...this.#everything().map((item) => item.directory)]);
    const lost = [...this.#items.keys()].filter((directory) => !directories.has(directory));
    for (const directory of lost) this.#items.delete(directory);
    if (lost.length > 0) this.sweep();
  }

  save(): void {
    // Nothing to lose.
  }

  /** Every version of the vault that the base knows. */
  stamps(): readonly string[] {
    return this.#everything().map(({ remote }) => remote);
  }

  #everything(): readonly BaseNode[] {
    return [...this.#items.values()].flatMap((items) => [...items.values()]);
  }
}
