import { CofferError } from '@coffer/core';
import type { BaseNode, BaseReader } from './base.ts';
import { showPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { ConflictList } from './conflict-list.ts';
import type { ListedConflict } from './conflict-list.ts';
import { JobState } from './job-state.ts';
import { Folder } from './lay-down/folder.ts';
import { OpenFolders } from './lay-down/open-folders.ts';
import type { LocalNode } from './local-tree.ts';
import type { LocalPlace } from './place.ts';

/** `mine` is what this device had, `theirs` what had reached the vault before. */
export type KeptSide = 'mine' | 'theirs' | 'both';

export interface ResolveOptions {
  readonly stateDirectory: string;
  readonly conflict: ListedConflict;
  readonly keep: KeptSide;
}

/**
 * Resolves a conflict in the folder: what is kept gets the name, the other content goes, and the conflict leaves the list. The
 * next sync carries it on. `both` leaves the files as they are.
 * @throws LOCKED while the job runs; CONFLICT when a file that would go was changed since the last sync; INVALID when one of the
 * two is a directory; NOT_FOUND when what shall be kept is gone; NOT_ALLOWED, IO
 */
export async function resolveConflict({ stateDirectory, conflict, keep }: ResolveOptions): Promise<void> {
  if (keep !== 'both') {
    await using state = await JobState.open(stateDirectory, conflict.job);
    using folders = new OpenFolders(Folder.root(conflict.job.root));
    const keepsCopy = (keep === 'mine') === (conflict.mine === 'copy');
    if (keepsCopy) putInPlace({ state, folders, conflict });
    else removeCopy({ state, folders, conflict });
  }
  using list = ConflictList.open(stateDirectory);
  list.remove(conflict.id);
}

interface Scene {
  readonly state: BaseReader;
  readonly folders: OpenFolders;
  readonly conflict: ListedConflict;
}

/** What is replaced must be in the vault, where it can be brought back from. */
function putInPlace({ state, folders, conflict }: Scene): void {
  const path = at(folders, conflict.path);
  const copy = at(folders, conflict.copy);
  checkFile(copy, conflict.copy);
  if (path.node !== undefined) {
    checkFile(path, conflict.path);
    checkKnown(state, path.node, conflict.path);
  }
  copy.folder.rename(copy.name, path.folder, path.name);
}

/** As what is replaced: what goes must be in the vault. */
function removeCopy({ state, folders, conflict }: Scene): void {
  const copy = at(folders, conflict.copy);
  if (at(folders, conflict.path).node === undefined) throw gone(conflict.path);
  if (copy.node === undefined) return;
  checkFile(copy, conflict.copy);
  checkKnown(state, copy.node, conflict.copy);
  copy.folder.unlink(copy.name);
}

interface Found {
  readonly folder: Folder;
  readonly name: ByteName;
  readonly node: LocalNode | undefined;
}

function at(folders: OpenFolders, path: ByteName): Found {
  const names = path.split('/');
  const name = names.pop() ?? '';
  let place: LocalPlace = { parent: undefined, name: '' };
  for (const directory of names) place = { parent: place, name: directory };
  const folder = folders.now(place);
  return { folder, name, node: folder.look(name) };
}

function checkFile({ node }: Found, path: ByteName): void {
  if (node === undefined) throw gone(path);
  if (node.kind === 'file' || node.kind === 'symlink') return;
  throw new CofferError('INVALID', `${showPath(path)} is not a file`, {
    hint: 'Move or remove one of the two yourself, then resolve it with --keep both.',
  });
}

function checkKnown(state: BaseReader, { stamp }: LocalNode, path: ByteName): void {
  const known = baseAt(state, path);
  if (known?.local === stamp) return;
  if (known !== undefined) throw changed(path);
  throw new CofferError('CONFLICT', `${showPath(path)} is not in the vault, and would be gone for ever`, {
    hint: 'Sync it first; a job that only pulls never sends it: remove it yourself, then keep both.',
  });
}

function baseAt(state: BaseReader, path: ByteName): BaseNode | undefined {
  let node = state.root();
  for (const name of path.split('/')) {
    if (node?.directory === undefined) return undefined;
    node = state.children(node.directory).find((child) => child.name === name);
  }
  return node;
}

function gone(path: ByteName): CofferError {
  return new CofferError('NOT_FOUND', `${showPath(path)} is not in the folder any more`, {
    hint: 'Keep the other one, or both.',
  });
}

function changed(path: ByteName): CofferError {
  return new CofferError('CONFLICT', `${showPath(path)} was changed since the last sync`, { hint: 'Sync it first.' });
}
