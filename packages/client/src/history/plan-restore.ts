import { equalBytes, idKey, rootEntry } from '@coffer/core';
import type { EntryId, IdKey } from '@coffer/core';
import { nameToBytes } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import type { TreeReader } from '../tree-reader.ts';

/** A directory that is there, or will be when its step was carried out. */
export interface Spot {
  entry: EntryId | undefined;
}

export interface RestorePlace {
  readonly parent: Spot;
  readonly name: EntryName;
}

/** What one step does; `was` is the entry as it was. Steps are in the order in which they are possible. */
export type RestoreStep = RestorePlace & { readonly was: Entry } & (
    | { readonly action: 'make-directory'; readonly spot: Spot }
    /** A removed entry comes back; of a file its newest version. */
    | { readonly action: 'undelete' }
    /** Was renamed within the restored folder: it moves back. */
    | { readonly action: 'move' }
    /** A file gets the content of then as a new version: the one that is there, or one that comes or moves back with it. */
    | { readonly action: 'change'; readonly entry: EntryId }
    /** A new file with the content of then. */
    | { readonly action: 'copy' }
    | { readonly action: 'link'; readonly entry: EntryId | undefined }
    | { readonly action: 'attributes'; readonly entry: EntryId }
    /** Came back with a directory, and was not there then. */
    | { readonly action: 'remove'; readonly entry: EntryId }
  );

export interface RestorePlan {
  readonly steps: readonly RestoreStep[];
  /** Files that are as they were. */
  readonly unchanged: number;
  /** Entries that something of another kind stands in the way of: they come back under another name. */
  readonly beside: number;
}

export interface RestoreWish {
  /** The vault as it was. */
  readonly was: TreeReader;
  /** The vault as it is, at one position. */
  readonly now: TreeReader;
  /** What is wanted, as it was. */
  readonly start: Entry;
  /** Where; its name is that of `start`, or another. */
  readonly place: RestorePlace;
  /** What has that name there now. */
  readonly present: Entry | undefined;
  /** A free name for what cannot have its own. */
  readonly besideName: (name: EntryName, isTaken: (name: EntryName) => boolean) => EntryName;
}

/**
 * How a file or folder becomes what it was, path by path: what is at a path gets the content of then as a new version, what
 * is missing comes back. What came later stays, and nothing is overwritten without a version that is kept. Pure.
 */
export function planRestore(wish: RestoreWish): RestorePlan {
  return new RestorePlanner(wish).plan();
}

class RestorePlanner {
  readonly #wish: RestoreWish;
  readonly #steps: RestoreStep[] = [];
  /** Steps that must wait until everything else has its place. */
  readonly #last: RestoreStep[] = [];
  /** Entries that stand for a path already, by being there or by a step. */
  readonly #used = new Set<IdKey>();
  /** Entries that a step takes from where they are now. */
  readonly #taken = new Set<IdKey>();
  readonly #startPath: readonly EntryName[] | undefined;
  #unchanged = 0;
  #beside = 0;

  constructor(wish: RestoreWish) {
    this.#wish = wish;
    this.#startPath = wish.present === undefined ? undefined : wish.now.path(wish.present.entry);
  }

  plan(): RestorePlan {
    const { start, place, present } = this.#wish;
    const parent = place.parent.entry;
    const around = parent === undefined ? [] : this.#wish.now.children(parent);
    this.#restore(start, { place, present, taken: new Set(around.map(({ name }) => nameKey(name))) });
    const left = this.#last.filter((step) => step.action !== 'remove' || !this.#taken.has(idKey(step.entry)));
    return { steps: [...this.#steps, ...left], unchanged: this.#unchanged, beside: this.#beside };
  }

  #restore(was: Entry, { place, present, taken }: Slot): void {
    const there = present === undefined || this.#taken.has(idKey(present.entry)) ? undefined : present;
    if (there === undefined || there.kind === was.kind) return this.#one(was, { place, there });
    this.#beside += 1;
    const renamed = this.#isFree(was) ? this.#wish.now.get(was.entry) : undefined;
    if (renamed?.kind === was.kind) {
      const where = { parent: { entry: renamed.parent }, name: renamed.name };
      return this.#one(was, { place: where, there: renamed });
    }
    const name = this.#wish.besideName(place.name, (wanted) => taken.has(nameKey(wanted)));
    this.#one(was, { place: { ...place, name }, there: undefined });
  }

  #one(was: Entry, at: Found): void {
    if (at.there !== undefined) this.#used.add(idKey(at.there.entry));
    switch (was.kind) {
      case 'directory':
        return this.#directory(was, at);
      case 'file':
        return this.#file(was, at);
      case 'symlink':
        return this.#link(was, at);
      case 'mount':
        // Another vault with a history of its own.
        return;
    }
  }

  #directory(was: Entry, { place, there }: Found): void {
    if (there !== undefined) {
      this.#attributes(was, { place, there });
      return this.#children(was, { spot: { entry: there.entry }, present: this.#wish.now.children(there.entry) });
    }
    const source = this.#source(was);
    if (source === 'copy') {
      const spot: Spot = { entry: undefined };
      this.#steps.push({ action: 'make-directory', spot, was, ...place });
      return this.#children(was, { spot, present: [] });
    }
    this.#steps.push({ action: source, was, ...place });
    const { now } = this.#wish;
    const spot = { entry: was.entry };
    if (source === 'move') return this.#children(was, { spot, present: now.children(was.entry) });
    const returning = now.hidden(was.entry);
    this.#children(was, { spot, present: returning });
    const wanted = new Set(this.#wish.was.children(was.entry).map(({ name }) => nameKey(name)));
    for (const { entry, name } of returning) {
      if (!wanted.has(nameKey(name))) this.#last.push({ action: 'remove', entry, was, parent: spot, name });
    }
  }

  #children(was: Entry, { spot, present }: { readonly spot: Spot; readonly present: readonly Entry[] }): void {
    const siblings = new Map(present.map((entry) => [nameKey(entry.name), entry]));
    const children = this.#wish.was.children(was.entry);
    const taken = new Set([...siblings.keys(), ...children.map(({ name }) => nameKey(name))]);
    for (const child of children) {
      const place = { parent: spot, name: child.name };
      this.#restore(child, { place, present: siblings.get(nameKey(child.name)), taken });
    }
  }

  #file(was: Entry, { place, there }: Found): void {
    if (there !== undefined) {
      if (!isSameContent(was, there)) this.#steps.push({ action: 'change', entry: there.entry, was, ...place });
      else {
        this.#unchanged += 1;
        this.#attributes(was, { place, there });
      }
      return;
    }
    const source = this.#source(was);
    const isOld = source !== 'copy' && this.#wish.now.versions(was.entry)[0]?.seq !== was.seq;
    this.#steps.push(isOld ? { action: 'change', entry: was.entry, was, ...place } : { action: source, was, ...place });
  }

  /** A removed link comes back by being put again: it has no content that would be kept. */
  #link(was: Entry, { place, there }: Found): void {
    if (there !== undefined && isSameTarget(was, there)) return;
    const entry = there?.entry ?? (this.#source(was) === 'copy' ? undefined : was.entry);
    this.#steps.push({ action: 'link', entry, was, ...place });
  }

  #attributes(was: Entry, { place, there }: { readonly place: RestorePlace; readonly there: Entry }): void {
    const isSame = was.mtime[0] === there.mtime[0] && was.mtime[1] === there.mtime[1] && was.mode === there.mode;
    // After everything else: a change below a directory is none of its own time.
    if (!isSame && !equalBytes(there.entry, rootEntry))
      this.#last.push({ action: 'attributes', entry: there.entry, was, ...place });
  }

  /** How an entry that is missing at its path is made good. What was moved out of the folder, or stands for another path, stays there. */
  #source({ entry }: Entry): 'undelete' | 'move' | 'copy' {
    if (!this.#isFree({ entry })) return 'copy';
    this.#taken.add(idKey(entry));
    return this.#wish.now.path(entry) === undefined ? 'undelete' : 'move';
  }

  /** Whether an entry may be put where it was: it is gone, or was renamed, and stands for no other path. */
  #isFree({ entry }: Pick<Entry, 'entry'>): boolean {
    const key = idKey(entry);
    if (this.#used.has(key) || this.#taken.has(key)) return false;
    const path = this.#wish.now.path(entry);
    return path === undefined || this.#wasRenamed(path);
  }

  /** Whether a path of now lies in the restored folder, and nothing had it then. */
  #wasRenamed(path: readonly EntryName[]): boolean {
    const start = this.#startPath;
    if (start === undefined || path.length <= start.length) return false;
    if (!start.every((name, index) => isSameName(name, path[index]))) return false;
    return this.#below(path.slice(start.length)) === undefined;
  }

  #below(names: readonly EntryName[]): Entry | undefined {
    let at: Entry | undefined = this.#wish.start;
    for (const name of names) at = at === undefined ? undefined : this.#wish.was.child(at.entry, name);
    return at;
  }
}

interface Slot {
  readonly place: RestorePlace;
  readonly present: Entry | undefined;
  /** Names that are no longer free in the directory. */
  readonly taken: ReadonlySet<string>;
}

interface Found {
  readonly place: RestorePlace;
  readonly there: Entry | undefined;
}

function isSameContent(a: Entry, b: Entry): boolean {
  if (equalBytes(a.entry, b.entry) && a.seq === b.seq) return true;
  return (
    a.size === b.size &&
    a.contentHash !== undefined &&
    b.contentHash !== undefined &&
    equalBytes(a.contentHash, b.contentHash)
  );
}

function isSameTarget(a: Entry, b: Entry): boolean {
  return a.target !== undefined && b.target !== undefined && isSameName(a.target, b.target);
}

function isSameName(a: EntryName, b: EntryName | undefined): boolean {
  return b !== undefined && equalBytes(nameToBytes(a), nameToBytes(b));
}

/** Text and bytes in one kind of key. */
function nameKey(name: EntryName): string {
  return Buffer.from(nameToBytes(name)).toString('latin1');
}
