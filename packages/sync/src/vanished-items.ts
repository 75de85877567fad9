import type { BaseNode } from './base.ts';
import { mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { VanishedFile } from './plan.ts';
import { localPath } from './place.ts';
import { entryKeyOf, entryOf } from './remote-tree.ts';
import type { RemoteNode } from './remote-tree.ts';
import { identityOf, isReal, parseStamp } from './stamp.ts';
import type { Stamp } from './stamp.ts';

interface Vanished {
  readonly triple: Triple;
  readonly base: BaseNode;
  /** Undefined for what was set aside: base does not know it any more. */
  readonly baseParent: number | undefined;
  readonly remote: RemoteNode;
}

/**
 * What the vault and the base have and the folder has no longer (push): each may be found again under another name, by its
 * inode. Inodes are used again soon after a removal, so a file must also have its old size and mtime, and a directory its
 * old mtime or half of its old children.
 */
export class VanishedItems {
  readonly #context: PlanContext;
  readonly #possible: boolean;
  readonly #byEntry = new Map<string, Vanished>();
  readonly #byIdentity = new Map<string, Vanished[]>();
  readonly #claimed = new Set<string>();
  /** Entries in a new place in the vault, where the folder has something, too: they are that, and nothing that vanished. */
  readonly #here = new Set<string>();
  readonly #unexpanded: Vanished[] = [];

  constructor(context: PlanContext) {
    this.#context = context;
    this.#possible = context.base.hasItems;
  }

  /** False on a first run: then nothing can have been renamed and nothing needs to wait. */
  get possible(): boolean {
    return this.#possible;
  }

  /** Nothing was met yet that is elsewhere, so no name needs to be asked about. */
  get isEmpty(): boolean {
    return this.#byEntry.size + this.#claimed.size === 0;
  }

  add(triple: Triple, base: BaseNode, remote: RemoteNode): void {
    const key = entryKeyOf(remote.stamp);
    // Another entry of the same name is another thing.
    if (this.#byEntry.has(key) || this.#here.has(key) || key !== entryKeyOf(base.remote)) return;
    const item: Vanished = { triple, base, remote, baseParent: triple.baseParent };
    this.#byEntry.set(key, item);
    const identity = identityIn(base);
    if (identity !== undefined) this.#byIdentity.set(identity, [...(this.#byIdentity.get(identity) ?? []), item]);
    if (base.directory !== undefined && remote.kind === 'directory') this.#unexpanded.push(item);
  }

  /** Adds what is in one vanished directory. False when all are done. */
  expand(): boolean {
    const item = this.#unexpanded.pop();
    if (item === undefined) return false;
    const { parent, name } = item.triple;
    const place = { parent, name, local: undefined, entry: entryOf(item.remote.stamp), base: item.base.directory };
    for (const triple of mergeChildren(this.#context, place).triples) {
      if (triple.base?.remote !== triple.remote?.stamp) this.#context.draft.leaveOut();
      if (triple.base !== undefined && triple.remote !== undefined) this.add(triple, triple.base, triple.remote);
    }
    return true;
  }

  /** A triple met on the way: without what was claimed for another place; what is here has not vanished. */
  meet(triple: Triple): Triple {
    if (triple.remote === undefined) return triple;
    const isNew = triple.local !== undefined && triple.base?.remote !== triple.remote.stamp;
    if (!isNew && this.#byEntry.size === 0) return triple;
    const key = entryKeyOf(triple.remote.stamp);
    if (isNew) this.#here.add(key);
    if (this.#claimed.has(key)) return { ...triple, base: undefined, remote: undefined };
    if (triple.local !== undefined) this.#byEntry.delete(key);
    return triple;
  }

  isClaimed(remote: RemoteNode): boolean {
    return this.#claimed.has(entryKeyOf(remote.stamp));
  }

  claimFile(triple: Triple): Vanished | undefined {
    if (triple.local === undefined) return undefined;
    const found = this.#candidates(identityOf(triple.local.stamp));
    return this.#claim(found.find((item) => item.base.name === triple.name) ?? found[0]);
  }

  claimDirectory(triple: Triple): Vanished | undefined {
    const { local } = triple;
    if (local === undefined) return undefined;
    return this.#claim(
      this.#candidates(directoryIdentity(local.stamp)).find((item) => this.#isSameDirectory(triple, item)),
    );
  }

  /** Files that may still be recognized by their content. */
  unclaimedFiles(): readonly VanishedFile[] {
    return [...this.#byEntry.values()]
      .filter(({ remote }) => remote.kind === 'file')
      .map(({ remote, base, baseParent }) => ({
        remote: remote.stamp,
        fromBase: baseParent === undefined ? undefined : { directory: baseParent, name: base.name },
      }));
  }

  #candidates(identity: string): readonly Vanished[] {
    const items = this.#byIdentity.get(identity) ?? [];
    return items.filter((item) => this.#byEntry.get(entryKeyOf(item.remote.stamp)) === item);
  }

  #claim(item: Vanished | undefined): Vanished | undefined {
    if (item === undefined) return undefined;
    const key = entryKeyOf(item.remote.stamp);
    this.#byEntry.delete(key);
    this.#claimed.add(key);
    return item;
  }

  #isSameDirectory({ local, localParent }: Triple, { base }: Vanished): boolean {
    if (local === undefined || base.directory === undefined) return false;
    if (parseStamp(local.stamp).mtimeNs === parseStamp(base.local).mtimeNs) return true;
    const names = new Set(this.#localNames(localPath({ parent: localParent, name: local.name })));
    const before = this.#context.base.children(base.directory);
    return before.length > 0 && before.filter(({ name }) => names.has(name)).length * 2 >= before.length;
  }

  #localNames(path: string): readonly string[] {
    try {
      return this.#context.local.list(path).nodes.map(({ name }) => name);
    } catch {
      return [];
    }
  }
}

function identityIn(base: BaseNode): string | undefined {
  if (!isReal(base.local)) return undefined;
  return base.directory === undefined ? identityOf(base.local) : directoryIdentity(base.local);
}

function directoryIdentity(stamp: Stamp): string {
  return `directory:${parseStamp(stamp).inode}`;
}
