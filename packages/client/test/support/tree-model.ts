import { idKey, rootEntry } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import type { Operation } from '@coffer/journal';

interface Node {
  readonly parent: IdKey;
  readonly name: string;
  readonly kind: string;
  readonly mtime: number;
  /** Seq that put the content shown. */
  readonly seq: number;
  readonly live: boolean;
}

type Nodes = ReadonlyMap<IdKey, Node>;

const root = idKey(rootEntry);

/** JOURNAL §Fold with maps and loops, written as plainly as the page: slow, and hopefully right. */
export class TreeModel {
  #nodes = new Map<IdKey, Node>();
  readonly #versions = new Map<IdKey, number[]>();
  readonly #past: Nodes[] = [new Map()];
  #seq = 1;

  constructor() {
    this.#past[1] = new Map();
  }

  /** Hex ids of the entries whose operation was skipped. */
  commit(operations: readonly Operation[], keeps: ReadonlyMap<IdKey, number>): IdKey[] {
    this.#seq += 1;
    const skipped = operations.flatMap((operation) => this.#apply(operation, keeps));
    this.#past[this.#seq] = new Map(this.#nodes);
    return skipped;
  }

  /** Lines `path kind mtime seq`, sorted. */
  listing(seq = this.#seq): string[] {
    const nodes = this.#past[seq] ?? new Map<IdKey, Node>();
    return [...nodes.keys()]
      .filter((key) => reachable(nodes, key))
      .map((key) => `${pathOf(nodes, key)} ${nodes.get(key)?.kind} ${nodes.get(key)?.mtime} ${nodes.get(key)?.seq}`)
      .toSorted();
  }

  /** Seq of the version that members see of each file that ever was put; null when they see none. */
  files(): ReadonlyMap<IdKey, number | null> {
    const files = [...this.#nodes].filter(([, { kind }]) => kind === 'file');
    return new Map(files.map(([key, { seq }]) => [key, reachable(this.#nodes, key) ? seq : null]));
  }

  #apply(operation: Operation, keeps: ReadonlyMap<IdKey, number>): IdKey[] {
    switch (operation[0]) {
      case 'put':
        return this.#put(operation) ? [] : [idKey(operation[1])];
      case 'move':
        return this.#move(operation, keeps) ? [] : [idKey(operation[1])];
      case 'attr':
        return this.#attr(operation) ? [] : [idKey(operation[1])];
      case 'remove':
        return operation[1].filter((entry) => !this.#remove(entry)).map(idKey);
      case 'init':
        return [];
      default:
        return operation satisfies never;
    }
  }

  #put([, entry, parentId, name, kind, , mtime]: Extract<Operation, readonly ['put', ...unknown[]]>): boolean {
    const key = idKey(entry);
    const known = this.#nodes.get(key);
    const isMounted = kind === 'mount' && (known?.kind === 'directory' || known?.kind === 'file');
    if (known !== undefined && known.kind !== kind && !isMounted) return false;
    const parent = idKey(parentId);
    if (!this.#mayStand({ key, kind: known?.kind ?? kind, parent, name: String(name) })) return false;
    const isContent = kind !== 'directory';
    const seq = isContent || known === undefined ? this.#seq : known.seq;
    if (isContent) this.#versions.set(key, [...(this.#versions.get(key) ?? []), seq]);
    this.#nodes.set(key, { parent, name: String(name), kind, mtime: mtime[0], seq, live: true });
    return true;
  }

  #move(
    [, entry, parentId, name]: Extract<Operation, readonly ['move', ...unknown[]]>,
    keeps: ReadonlyMap<IdKey, number>,
  ): boolean {
    const key = idKey(entry);
    const known = this.#nodes.get(key);
    if (known === undefined) return false;
    let { seq } = known;
    if (!reachable(this.#nodes, key) && known.kind === 'file') {
      const kept = keeps.get(key);
      if (kept === undefined || this.#versions.get(key)?.includes(kept) !== true) return false;
      seq = kept;
    }
    const parent = idKey(parentId);
    if (!this.#mayStand({ key, kind: known.kind, parent, name: String(name) })) return false;
    this.#nodes.set(key, { ...known, parent, name: String(name), seq, live: true });
    return true;
  }

  #attr([, entry, mtime]: Extract<Operation, readonly ['attr', ...unknown[]]>): boolean {
    const key = idKey(entry);
    const known = this.#nodes.get(key);
    if (known === undefined || !reachable(this.#nodes, key)) return false;
    this.#nodes.set(key, { ...known, mtime: mtime[0] });
    return true;
  }

  #remove(entry: EntryId): boolean {
    const key = idKey(entry);
    const known = this.#nodes.get(key);
    if (known === undefined || !reachable(this.#nodes, key)) return false;
    this.#nodes.set(key, { ...known, live: false });
    return true;
  }

  #mayStand({ key, kind, parent, name }: { key: IdKey; kind: string; parent: IdKey; name: string }): boolean {
    const isDirectory = parent === root || this.#nodes.get(parent)?.kind === 'directory';
    if (!isDirectory || !reachable(this.#nodes, parent)) return false;
    if (kind === 'directory' && above(this.#nodes, parent).includes(key)) return false;
    return ![...this.#nodes].some(
      ([other, node]) => other !== key && node.live && node.parent === parent && node.name === name,
    );
  }
}

/** The entry and what stands above it, up to the root or to where it ends. */
function above(nodes: Nodes, key: IdKey): IdKey[] {
  const chain: IdKey[] = [];
  for (let at: IdKey | undefined = key; at !== undefined && at !== root; at = nodes.get(at)?.parent) chain.push(at);
  return chain;
}

function reachable(nodes: Nodes, key: IdKey): boolean {
  return above(nodes, key).every((one, index) => {
    const node = nodes.get(one);
    return node?.live === true && (index === 0 || node.kind === 'directory');
  });
}

function pathOf(nodes: Nodes, key: IdKey): string {
  return `/${above(nodes, key)
    .toReversed()
    .map((one) => nodes.get(one)?.name)
    .join('/')}`;
}
