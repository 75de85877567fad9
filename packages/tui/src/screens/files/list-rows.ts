import { dayMs } from '@coffer/core';
import type { Entry, TreeReader } from '@coffer/client';
import type { Services } from '../../services/services.ts';
import { entryRow, ListedRow } from './rows.ts';
import type { Row } from './rows.ts';

/** What lies in a folder, by name. */
export function folderRows(tree: TreeReader, folder: Entry): readonly Row[] {
  const listing = tree.listing(folder.entry);
  return Array.from({ length: listing.length }, (_, index) => new ListedRow(listing, index));
}

/** What was removed and is still kept, latest first. */
export function trashRows({ vault, clock }: Pick<Services, 'vault' | 'clock'>): readonly Row[] {
  const nowMs = clock.nowMs();
  const keptMs = vault.history.policyAt(nowMs).policy.trashDays * dayMs;
  return vault.tree
    .deleted()
    .filter(({ removedAtMs }) => removedAtMs + keptMs > nowMs)
    .map((entry) => entryRow(entry, entry));
}

/** More than anybody looks through: who gets as many types more of the name. */
const maxFound = 2000;
/** Entries that are looked at between two keys. */
const stride = 2000;

/** Entries of the whole vault by name. The search makes room for keys, and ends with the signal. */
export async function findRows(
  tree: TreeReader,
  query: string,
  signal: AbortSignal,
): Promise<{ readonly rows: readonly Row[]; readonly isMore: boolean }> {
  const rows: Row[] = [];
  let sinceRest = 0;
  for (const { path, entry } of tree.find(query)) {
    if (rows.length === maxFound) return { rows, isMore: true };
    rows.push(entryRow(entry, { path }));
    if ((sinceRest += 1) % stride === 0) await new Promise(setImmediate);
    signal.throwIfAborted();
  }
  return { rows, isMore: false };
}
