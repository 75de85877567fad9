import type { Vault } from '@coffer/client';
import { equalBytes, idKey } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { ByteName } from './byte-name.ts';
import type { Plan, Step } from './plan.ts';
import type { Place } from './place.ts';
import { createRemoteTree, entryKeyOf, entryOf, remoteNode } from './remote-tree.ts';
import type { RemoteStamp, RemoteTree } from './remote-tree.ts';
import { isChanged } from './two-way.ts';

/** A place in the vault; that of a directory which is only made by the plan is known when it is asked for. */
interface PlaceThere {
  readonly parent: Pick<Place, 'entry'>;
  readonly name: ByteName;
}

interface Seen {
  readonly stamp: RemoteStamp;
  /** Where it was planned to be, before and after; empty for what is removed wherever it is. */
  readonly places: PlaceThere[];
}

/**
 * What the push of a two-way job may change: only what is still as it was when it was planned, so that nothing is written over
 * or removed that another device did in the meantime.
 */
export class PushGuard {
  readonly #vault: Pick<Vault, 'tree'>;
  readonly #seen = new Map<string, Seen>();
  readonly #going = new Set<string>();

  /** To be made while the vault still is what was planned for. */
  constructor(vault: Pick<Vault, 'tree'>, { structure, contents, removals, vanishedFiles }: Plan) {
    this.#vault = vault;
    for (const { remote: stamp } of vanishedFiles) this.#seeWhereItIs(stamp);
    for (const step of structure) this.#structure(step);
    for (const step of contents) {
      const writes = step.action === 'upload' || step.action === 'link';
      if (writes && step.remote !== undefined) this.#see(step.remote, step);
    }
    for (const { remote: stamp } of removals) {
      if (stamp === undefined) continue;
      this.#going.add(entryKeyOf(stamp));
      this.#see(stamp);
    }
  }

  /** The entry is about to get another place. */
  moves(entry: EntryId, to: PlaceThere): void {
    this.#seen.get(idKey(entry))?.places.push(to);
  }

  /** True when nobody else touched the entry: the same version in a place where it was meant to be. */
  holds(entry: EntryId): boolean {
    const key = idKey(entry);
    const seen = this.#seen.get(key);
    if (seen === undefined) return true;
    const there = this.#remote.get(entry);
    if (there === undefined || isChanged(remoteNode(there), seen.stamp)) return false;
    if (this.#going.has(key)) return there.kind !== 'directory' || this.#isEmptied(entry);
    const { name } = remoteNode(there);
    return seen.places.some(
      (place) =>
        place.name === name && place.parent.entry !== undefined && equalBytes(place.parent.entry, there.parent),
    );
  }

  /** As it is now, with what other devices did. */
  get #remote(): RemoteTree {
    return createRemoteTree(this.#vault.tree);
  }

  /** Everything in it goes, too, and is still what was to go. */
  #isEmptied(directory: EntryId): boolean {
    return this.#remote
      .children(directory)
      .every(({ stamp }) => this.#going.has(entryKeyOf(stamp)) && this.holds(entryOf(stamp)));
  }

  #structure(step: Step): void {
    if (step.action === 'move') {
      this.#seeWhereItIs(step.remote);
      this.#see(step.remote, step);
    }
    if (step.action === 'set-aside' && step.remote !== undefined) {
      this.#see(step.remote, step);
      this.#see(step.remote, { parent: step.parent, name: step.newName });
    }
  }

  #seeWhereItIs(stamp: RemoteStamp): void {
    const there = this.#remote.get(entryOf(stamp));
    if (there !== undefined) this.#see(stamp, { parent: { entry: there.parent }, name: remoteNode(there).name });
  }

  #see(stamp: RemoteStamp, place?: PlaceThere): void {
    const key = entryKeyOf(stamp);
    const seen = this.#seen.get(key) ?? { stamp, places: [] };
    this.#seen.set(key, seen);
    if (place !== undefined) seen.places.push(place);
  }
}
