import type { Vault, VaultPath } from '@coffer/client';
import { splitPath } from '@coffer/client';
import { idKey } from '@coffer/core';
import { fromEntryName } from '../byte-name.ts';
import type { ByteName } from '../byte-name.ts';
import { touchedScope, wholeScope } from '../scope.ts';
import type { Scope, YoungNames } from '../scope.ts';
import type { Taken } from './touched-paths.ts';

/** Changed directories of the vault; of more a look at everything costs no more than the list. */
const maxDirectories = 20_000;

export interface PassScopeDeps {
  readonly vault: Vault;
  readonly path: VaultPath;
  readonly young: YoungNames;
}

/**
 * What one pass looks at: what was touched here, and what changed in the vault after the position that the pass before had
 * planned for. Asked before each plan, since other devices go on meanwhile.
 */
export class PassScope {
  readonly #deps: PassScopeDeps;
  /** Position of the vault that the last plan was made for. */
  plannedSeq = 0;
  /** The entry that was the root of the job when a pass last succeeded; undefined when there was none. */
  #rootEntry: string | undefined;
  #plannedRoot: string | undefined;
  readonly #others = new Set<ByteName>();

  constructor(deps: PassScopeDeps) {
    this.#deps = deps;
  }

  /** Without `taken` everything. */
  at(taken: Taken | undefined, seenSeq: number): Scope {
    const { vault, path, young } = this.#deps;
    this.plannedSeq = vault.tree.seq;
    const root = vault.tree.lookup(path)?.entry;
    const isSameRoot = root !== undefined && this.#rootEntry === idKey(root);
    this.#plannedRoot = root === undefined ? undefined : idKey(root);
    const changed = taken === undefined || !isSameRoot ? undefined : this.#changedThere(seenSeq);
    if (taken === undefined || changed === undefined) return wholeScope(young);
    return touchedScope({
      directories: [...taken.directories, ...changed],
      trees: taken.trees,
      others: this.#others,
      young,
    });
  }

  /** What the last plan was made for is done; until then the next pass has it all to do. */
  succeeded(): void {
    this.#rootEntry = this.#plannedRoot;
    this.#others.clear();
  }

  /** Undefined when it is more than is worth it. What changed above the root is the root itself, which every plan looks at. */
  #changedThere(seenSeq: number): readonly ByteName[] | undefined {
    const { vault, path } = this.#deps;
    if (seenSeq >= vault.tree.seq) return [];
    const root = (typeof path === 'string' ? splitPath(path) : path).map((name) => fromEntryName(name));
    const below: ByteName[] = [];
    for (const names of vault.tree.changedDirectories(seenSeq)) {
      const parts = names.map((name) => fromEntryName(name));
      if (!root.every((name, index) => name === parts[index])) continue;
      below.push(parts.slice(root.length).join('/'));
      if (below.length > maxDirectories) return undefined;
    }
    return below;
  }
}
