import type { LinkTarget } from '@coffer/client';
import { CofferError } from '@coffer/core';
import type { ByteName } from './byte-name.ts';
import { DiskTree } from './disk-tree.ts';
import type { DiskTreeOptions } from './disk-tree.ts';
import type { LocalListing, LocalNode, LocalTree } from './local-tree.ts';

/** A local file or directory that shall have this name. */
export interface NamedSource {
  readonly name: ByteName;
  /** Absolute; its last component is not followed. */
  readonly path: ByteName;
}

/** Files and directories from anywhere, as the children of one directory that exists nowhere (`put a b c /photos`). */
export class SourceTree implements LocalTree {
  readonly #trees: ReadonlyMap<ByteName, DiskTree>;

  constructor(sources: readonly NamedSource[], options: DiskTreeOptions = {}) {
    this.#trees = new Map(sources.map(({ name, path }) => [name, new DiskTree(path, options)]));
    if (this.#trees.size < sources.length) {
      throw new CofferError('INVALID', 'two of the local paths would get the same name', {
        hint: 'Copy them one by one.',
      });
    }
  }

  root(): LocalNode {
    return { name: '', kind: 'directory', stamp: '0:0:0:0:16877' };
  }

  list(path: ByteName): LocalListing {
    if (path === '') return { nodes: [...this.#sources()], problems: [] };
    const { tree, below } = this.#locate(path);
    return tree.list(below);
  }

  target(path: ByteName): LinkTarget {
    const { tree, below } = this.#locate(path);
    return tree.target(below);
  }

  absolute(path: ByteName): ByteName {
    const { tree, below } = this.#locate(path);
    return tree.absolute(below);
  }

  *#sources(): Iterable<LocalNode> {
    for (const [name, tree] of this.#trees) {
      const node = tree.root();
      if (node === undefined) throw new CofferError('NOT_FOUND', 'a local path does not exist');
      yield { ...node, name };
    }
  }

  #locate(path: ByteName): { readonly tree: DiskTree; readonly below: ByteName } {
    const slash = path.indexOf('/');
    const name = slash < 0 ? path : path.slice(0, slash);
    const tree = this.#trees.get(name);
    if (tree === undefined) throw new CofferError('NOT_FOUND', 'there is nothing of this name any more');
    return { tree, below: slash < 0 ? '' : path.slice(slash + 1) };
  }
}
