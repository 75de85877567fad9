import type { BaseNode } from './base.ts';
import type { LocalNode } from './local-tree.ts';
import { mergeChildren } from './merge-children.ts';
import type { PlanContext, Triple } from './merge-children.ts';
import type { LocalPlace } from './place.ts';
import { entryKeyOf } from './remote-tree.ts';
import type { RemoteNode } from './remote-tree.ts';

/** One such item. */
export interface Displaced {
  readonly triple: Triple;
  readonly local: LocalNode;
  /** The one object for where it is, so that everything below follows when it is renamed. */
  readonly place: LocalPlace;
  readonly base: BaseNode;
  /** Undefined for what was set aside: base does not know it any more. */
  readonly baseParent: number | undefined;
}

/** What the folder and the base have and the vault no longer has in that place (pull): its entry may be in another one. */
export class DisplacedItems {
  readonly #context: PlanContext;
  readonly #possible: boolean;
  readonly #byEntry = new Map<string, Displaced>();
  readonly #claimed = new Set<string>();
  readonly #unexpanded: Displaced[] = [];

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

  add(triple: Triple, { local, base, place }: { local: LocalNode; base: BaseNode; place: LocalPlace }): void {
    const key = entryKeyOf(base.remote);
    if (this.#byEntry.has(key) || !sameKind(local, base)) return;
    const item = { triple, local, place, base, baseParent: triple.baseParent };
    this.#byEntry.set(key, item);
    if (base.directory !== undefined) this.#unexpanded.push(item);
  }

  /** Adds what is in one displaced directory. False when all are done. */
  expand(): boolean {
    const item = this.#unexpanded.pop();
    if (item === undefined) return false;
    const { parent, name } = item.triple;
    const place = { parent, name, local: item.place, entry: undefined, base: item.base.directory };
    for (const triple of mergeChildren(this.#context, place).triples) {
      const { local, base } = triple;
      if (local === undefined || base === undefined) continue;
      this.add(triple, { local, base, place: { parent: item.place, name: local.name } });
    }
    return true;
  }

  /** A triple met on the way: without what was claimed for another place; what the vault still has here is not displaced. */
  meet(triple: Triple): Triple {
    if (triple.base === undefined || this.#byEntry.size + this.#claimed.size === 0) return triple;
    const key = entryKeyOf(triple.base.remote);
    if (this.#claimed.has(key)) return withoutLocal(triple);
    if (triple.remote !== undefined && triple.local !== undefined) this.#byEntry.delete(key);
    return triple;
  }

  isClaimed(base: BaseNode | undefined): boolean {
    return base !== undefined && this.#claimed.has(entryKeyOf(base.remote));
  }

  /** The local file or directory that is this entry, for use in a new place. */
  claim(remote: RemoteNode): Displaced | undefined {
    const key = entryKeyOf(remote.stamp);
    const item = this.#byEntry.get(key);
    if (item === undefined || item.local.kind !== remote.kind) return undefined;
    this.#byEntry.delete(key);
    this.#claimed.add(key);
    return item;
  }
}

function withoutLocal(triple: Triple): Triple {
  return { ...triple, local: undefined, localParent: undefined, base: undefined, baseParent: undefined };
}

function sameKind(local: LocalNode, base: BaseNode): boolean {
  return (local.kind === 'directory') === (base.directory !== undefined);
}
