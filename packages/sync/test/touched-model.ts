import type { MemoryFolder, MemoryNode, MemoryVault } from './memory-sides.ts';

interface Seen {
  readonly parent: number | undefined;
  readonly state: string;
  readonly path: string;
}

/** A tree at one moment: where each of its nodes was and what it was. */
export type Snapshot = ReadonlyMap<number, Seen>;

export function snapshotOf(tree: MemoryFolder | MemoryVault): Snapshot {
  const found = new Map<number, Seen>();
  const walk = (node: MemoryNode, path: string): void => {
    const { name, mtime, changed, mode, number, parent } = node;
    found.set(number, { parent: parent?.number, state: `${name} ${mtime} ${changed} ${mode}`, path });
    for (const child of node.children?.values() ?? []) walk(child, path === '' ? child.name : `${path}/${child.name}`);
  };
  walk(tree.top, '');
  return found;
}

/** What events, or a journal, would name: the directories in which something came, went or changed, as they are and were called. */
export function touchedBetween(
  before: Snapshot,
  now: Snapshot,
): { readonly directories: readonly string[]; readonly trees: readonly string[] } {
  const directories = new Set<string>();
  const trees = new Set<string>();
  const touch = (number: number | undefined): void => {
    for (const side of [before, now]) {
      const path = number === undefined ? undefined : side.get(number)?.path;
      if (path !== undefined) directories.add(path);
    }
  };
  for (const number of new Set([...before.keys(), ...now.keys()])) {
    const [was, is] = [before.get(number), now.get(number)];
    if (was?.state === is?.state && was?.parent === is?.parent) continue;
    touch(was?.parent);
    touch(is?.parent);
    if (is !== undefined && (was === undefined || was.path !== is.path)) trees.add(is.path);
  }
  return { directories: [...directories], trees: [...trees] };
}
