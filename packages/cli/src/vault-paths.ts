import { CofferError, equalBytes, rootEntry } from '@coffer/core';
import { displayName as nameText, splitPath } from '@coffer/client';
import type { Entry, EntryName, TreeReader, Vault } from '@coffer/client';
import { safeText } from './safe-text.ts';

/** A name as it is shown: harmless for a terminal; bytes that are not UTF-8 as `\xNN`. */
export function displayName(name: EntryName): string {
  return safeText(nameText(name));
}

/** `/a/b` for names from the root; `/` for none. */
export function displayPath(names: readonly EntryName[]): string {
  return `/${names.map(displayName).join('/')}`;
}

/**
 * The entry that a typed path names. A name that cannot be typed is found by the form in which `ls` shows it.
 */
export function findEntry(tree: TreeReader, text: string): Entry | undefined {
  let at: Entry | undefined = tree.root();
  for (const name of splitPath(text)) {
    if (at === undefined) return undefined;
    at = findChild(tree, at, name);
  }
  return at;
}

/** `typed`: the path as the person wrote it, where that is another one. @throws NOT_FOUND */
export function requireEntry(tree: TreeReader, text: string, typed = text): Entry {
  const entry = findEntry(tree, text);
  if (entry === undefined) {
    throw new CofferError('NOT_FOUND', `there is no ${typed} in the vault`, {
      hint: 'See what is there with `coffer ls`.',
    });
  }
  return entry;
}

function findChild(tree: TreeReader, parent: Entry, name: string): Entry | undefined {
  const exact = tree.child(parent.entry, name);
  if (exact !== undefined || !name.includes('\\')) return exact;
  return tree.children(parent.entry).find((child) => displayName(child.name) === name);
}

export interface Target {
  readonly parent: Entry;
  readonly name: string;
  /** What has that name now. */
  readonly present: Entry | undefined;
}

/** Where something new of that path goes. @throws NOT_FOUND when the folder above is missing, INVALID for the root */
export function findTarget(tree: TreeReader, text: string): Target {
  const names = splitPath(text);
  const name = names.at(-1);
  if (name === undefined) throw new CofferError('INVALID', 'the root of the vault has no name');
  const folder = `/${names.slice(0, -1).join('/')}`;
  const parent = requireEntry(tree, folder);
  if (parent.kind !== 'directory') throw new CofferError('INVALID', `${folder} is not a folder`);
  return { parent, name, present: findChild(tree, parent, name) };
}

/** As `mv` and `cp` name things: into a folder that is there under its own name, else as the target says. */
export function placeInto(
  tree: TreeReader,
  { source, target }: { readonly source: Entry; readonly target: string },
): Target {
  const present = findEntry(tree, target);
  if (present?.kind === 'directory' && source.name !== '') {
    const name = source.name;
    return { parent: present, name: name as string, present: tree.child(present.entry, name) };
  }
  return findTarget(tree, target);
}

/** What lies in two vaults is sealed with two keys: it is copied, never moved. @throws INVALID */
export function requireOneVault(from: Vault, to: Vault, command: string): void {
  if (equalBytes(from.id, to.id)) return;
  throw new CofferError('INVALID', `${command} works within one vault, and a share is a vault of its own`, {
    hint: 'Copy it with `coffer cp`, then remove the original.',
  });
}

export function isRoot(entry: Pick<Entry, 'entry'>): boolean {
  return Buffer.compare(entry.entry, rootEntry) === 0;
}
