import { moveNotes, note, noteBookkeeping } from '../src/base-notes.ts';
import type { NotedItem } from '../src/base-notes.ts';
import type { Plan, Step } from '../src/plan.ts';
import { ignoreNothing } from '../src/ignore-rules.ts';
import { localPath } from '../src/place.ts';
import type { PlanRules } from '../src/merge-children.ts';
import type { Place } from '../src/place.ts';
import { plan } from '../src/planner.ts';
import { entryOf } from '../src/remote-tree.ts';
import type { Scope } from '../src/scope.ts';
import { rootEntry } from '@coffer/core';
import { MemoryBase, nodeOf } from './memory-sides.ts';
import type { MemoryFolder, MemoryNode, MemoryVault } from './memory-sides.ts';

/** A job between two trees in memory, whose plans are carried out as literally as possible. */
export class ModelJob {
  readonly folder: MemoryFolder;
  readonly vault: MemoryVault;
  readonly base = new MemoryBase();
  /** Every content that was ever in the vault. */
  readonly history = new Set<string>();
  /** What this run renamed because both were kept: its new name may be that of something that is still to be fetched. */
  readonly #keptAside = new Set<MemoryNode>();

  constructor(folder: MemoryFolder, vault: MemoryVault) {
    this.folder = folder;
    this.vault = vault;
  }

  /** With `remoteIsBase` the plan is made without a look at the vault. */
  plan(mode: 'push' | 'pull', options: ModelRules, remoteIsBase = false): Plan {
    const base = this.base.root()?.directory ?? this.base.newDirectory();
    this.base.remember({ directory: 0, name: '' }, { directory: base, local: '', remote: '' });
    const below: Place = {
      parent: undefined,
      name: '',
      local: { parent: undefined, name: '' },
      entry: rootEntry,
      base,
    };
    const ignore = ignoreNothing;
    const rules = { ...options, ignore, maxFileSizeBytes: undefined, overwrite: false, conflictName };
    const { folder: local, vault: remote } = this;
    const scope = options.scope?.();
    return plan({ mode, root: { below }, local, base: this.base, remote, remoteIsBase, rules, scope });
  }

  /** As {@link runTwoWay} of a job does it. */
  runTwoWay(scope?: () => Scope): void {
    const options = { delete: true, ...(scope && { scope }) };
    this.run('push', { ...options, twoWay: 'before-pull' });
    this.run('pull', { ...options, twoWay: 'before-pull' });
    const { structure } = this.run('push', { ...options, twoWay: 'after-pull' });
    if (structure.some((step) => step.action === 'move' || (step.action === 'set-aside' && step.isConflict)))
      this.runTwoWay(scope);
  }

  run(mode: 'push' | 'pull', options: ModelRules): Plan {
    const planned = this.plan(mode, options);
    noteBookkeeping(this.base, planned.bookkeeping);
    const steps = [...planned.structure, ...planned.contents, ...planned.removals, ...planned.directories];
    this.folder.touches = false;
    this.#keptAside.clear();
    for (const step of steps) {
      if (mode === 'push') this.#push(step);
      else this.#pull(step);
    }
    this.folder.touches = true;
    this.base.sweep();
    for (const { content } of this.vault.files().values()) this.history.add(content);
    return planned;
  }

  #push(step: Step): void {
    const { vault, folder } = this;
    const parent = step.action === 'remove' ? undefined : defined(vault.find(defined(step.parent.entry)));
    const local = 'from' in step && step.from !== undefined ? folder.at(localPath(step.from)) : undefined;
    const existing = 'remote' in step && step.remote !== undefined ? vault.find(entryOf(step.remote)) : undefined;
    switch (step.action) {
      case 'make-directory': {
        const made = vault.add(defined(parent), step.name, true);
        step.place.entry = vault.entry(made);
        return this.#agree(step, made, defined(folder.at(localPath(step.place.local))), step.place);
      }
      case 'move':
        expectTrue(vault.rename(defined(existing), defined(parent), step.name));
        for (const noted of moveNotes(step, undefined)) note(this.base, noted);
        if (step.agreed !== undefined) this.#learn(step, { ...step.agreed, place: step.place });
        else if (step.remember) this.#agree(step, defined(existing), defined(local), step.place);
        return;
      case 'set-aside':
        expectTrue(vault.rename(defined(existing), defined(parent), step.newName));
        if (step.hasBase)
          note(this.base, { kind: 'drop', from: { directory: defined(step.parent.base), name: step.name } });
        return;
      case 'upload': {
        const node = existing ?? vault.add(defined(parent), step.name, false);
        if (existing?.content !== defined(local).content) vault.setContent(node, defined(local).content);
        return this.#agree(step, node, defined(local), undefined);
      }
      case 'attributes': {
        const where = step.place?.local ?? { parent: step.parent.local, name: step.name };
        return this.#agree(step, defined(existing), defined(folder.at(localPath(where))), step.place);
      }
      case 'remove':
        vault.remove(defined(existing));
        if (step.fromBase !== undefined) note(this.base, { kind: 'forget', from: step.fromBase });
        return;
      case 'fetch':
      case 'link':
      case 'remember':
      case 'forget':
        throw new Error(`a push does not ${step.action}`);
    }
  }

  /** The vault takes times and mode of the folder, and both are remembered. */
  #agree(step: Step, there: MemoryNode, here: MemoryNode, place: Place | undefined): void {
    there.mtime = here.mtime;
    there.mode = here.mode;
    this.#learn(step, { local: nodeOf(here).stamp, remote: this.vault.stamp(there), place });
  }

  #pull(step: Step): void {
    const { vault, folder } = this;
    const existing =
      'remote' in step && step.remote !== undefined ? defined(vault.find(entryOf(step.remote))) : undefined;
    const parent = step.action === 'remove' ? undefined : defined(folder.at(localPath(defined(step.parent.local))));
    switch (step.action) {
      case 'make-directory': {
        const made = folder.add(defined(parent), step.name, true);
        step.place.local = { parent: step.parent.local, name: step.name };
        return this.#follow(step, defined(existing), made, step.place);
      }
      case 'move': {
        const node = defined(folder.at(localPath(step.from)));
        expectTrue(folder.rename(node, defined(parent), step.name));
        step.from.parent = step.parent.local;
        step.from.name = step.name;
        for (const noted of moveNotes(step, undefined)) note(this.base, noted);
        if (step.remember)
          this.#learn(step, { local: nodeOf(node).stamp, remote: step.remote, ...step.agreed, place: step.place });
        return;
      }
      case 'set-aside':
        expectTrue(folder.rename(defined(folder.at(localPath(defined(step.from)))), defined(parent), step.newName));
        defined(step.from).name = step.newName;
        if (step.hasBase)
          note(this.base, { kind: 'drop', from: { directory: defined(step.parent.base), name: step.name } });
        return;
      case 'fetch':
        return this.#lay(step, { existing: defined(existing), parent: defined(parent) });
      case 'attributes': {
        const node =
          step.place === undefined ? defined(parent).children?.get(step.name) : folder.at(localPath(step.place.local));
        return this.#follow(step, defined(existing), defined(node), step.place);
      }
      case 'remove': {
        const node = defined(folder.at(localPath(step.from)));
        if (node.children !== undefined && node.children.size > 0)
          throw new Error('removes a directory that is not empty');
        folder.remove(node);
        if (step.fromBase !== undefined) note(this.base, { kind: 'forget', from: step.fromBase });
        return;
      }
      case 'upload':
      case 'link':
      case 'remember':
      case 'forget':
        throw new Error(`a pull does not ${step.action}`);
    }
  }

  #lay(step: Step & { action: 'fetch' }, { existing, parent }: { existing: MemoryNode; parent: MemoryNode }): void {
    const { folder } = this;
    const there = parent.children?.get(step.name);
    const isUnplanned = there !== undefined && this.#keptAside.has(there);
    if (!isUnplanned && (there === undefined) !== (step.local === undefined))
      throw new Error('finds something else than was planned');
    if (there !== undefined && (step.keepBoth || isUnplanned) && there.content !== existing.content) {
      this.#keptAside.add(there);
      expectTrue(
        folder.rename(
          there,
          parent,
          conflictName(step.name, (name) => parent.children?.has(name) ?? false),
        ),
      );
    }
    const node = parent.children?.get(step.name) ?? folder.add(parent, step.name, false);
    if (node.content !== existing.content) folder.setContent(node, existing.content);
    this.#follow(step, existing, node, undefined);
  }

  /** The folder takes times and mode of the vault, and both are remembered. */
  #follow(step: Step, there: MemoryNode, here: MemoryNode, place: Place | undefined): void {
    here.mtime = there.mtime;
    here.mode = there.mode;
    if (step.action === 'attributes' && !step.remember) return;
    this.#learn(step, { local: nodeOf(here).stamp, remote: this.vault.stamp(there), place });
  }

  #learn(step: Step, item: NotedItem): void {
    note(this.base, { kind: 'remember', at: { parent: step.parent, name: step.name }, item });
  }
}

type ModelRules = Pick<PlanRules, 'delete' | 'twoWay'> & { readonly scope?: () => Scope };

function conflictName(name: string, taken: (name: string) => boolean): string {
  for (let number = 1; ; number += 1) if (!taken(`${name}~${number}`)) return `${name}~${number}`;
}

function defined<Type>(value: Type | undefined): Type {
  if (value === undefined) throw new Error('the plan refers to something that is not there');
  return value;
}

function expectTrue(done: boolean): void {
  if (!done) throw new Error('the plan asks for an impossible rename');
}
