import { formatPath, splitPath } from '@coffer/client';
import type { Entry, EntryName, Vault, VaultPath } from '@coffer/client';
import { CofferError, rootEntry, timestampFromMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { fromEntryName } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';

/** Where in a vault a job's root is, or will be. */
export interface VaultRoot {
  readonly names: readonly EntryName[];
  /** Names joined by `/`, as the key of the job. */
  readonly key: ByteName;
  readonly entry: Entry | undefined;
}

/** Mode of directories that are made on the way to a path, as `mkdir` with the usual umask makes them. */
const usualMode = 0o755;

/** @throws INVALID when the path cannot name anything, or names or passes something that is no directory */
export function findVaultRoot(vault: Vault, path: VaultPath): VaultRoot {
  const names = typeof path === 'string' ? splitPath(path) : path;
  for (let length = 1; length <= names.length; length += 1) {
    const above = vault.tree.lookup(names.slice(0, length));
    if (above === undefined) break;
    if (above.kind !== 'directory') throw notDirectory(names.slice(0, length));
  }
  const entry = vault.tree.lookup(names);
  return { names, key: names.map((name) => fromEntryName(name)).join('/'), entry };
}

/** The directory that holds, or will hold, the last name of a path; undefined when it does not exist. */
export function parentOf(vault: Vault, names: readonly EntryName[]): Entry | undefined {
  return vault.tree.lookup(names.slice(0, -1));
}

/** Makes the directories above a path. */
export async function makeParents(
  vault: Vault,
  { names, clock }: { readonly names: readonly EntryName[]; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<void> {
  if (parentOf(vault, names) !== undefined) return;
  await using batch = vault.batch();
  let parent = rootEntry;
  for (const [index, name] of names.slice(0, -1).entries()) {
    const there = vault.tree.lookup(names.slice(0, index + 1));
    const made = { parent, name, mtime: timestampFromMs(clock.nowMs()), mode: usualMode };
    parent = there?.entry ?? (await batch.makeDirectory(made, signal));
  }
  await batch.commit(signal);
}

function notDirectory(names: readonly EntryName[]): CofferError {
  return new CofferError('INVALID', `${formatPath(names)} in the vault is not a directory`);
}
