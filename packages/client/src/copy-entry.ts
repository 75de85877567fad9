import { CofferError } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { EntryName } from '@coffer/journal';
import type { CommitBatch, Placement } from './commit-batch.ts';
import type { Entry } from './entry.ts';
import type { TreeReader } from './tree-reader.ts';
import type { UploadedContent } from './uploader.ts';

export interface CopyEntry {
  readonly tree: TreeReader;
  readonly batch: CommitBatch;
  readonly source: Entry;
  readonly to: Placement;
  /** Uploads the content of a file for the vault of the batch, when that is another one than the tree's. */
  readonly upload?: (file: Entry) => Promise<UploadedContent>;
}

/**
 * Copies an entry with all below, in the caller's batch, which the caller commits. Copies within a vault refer to the same
 * content: nothing is sent but the commit. The list below a folder is read before it is written, so that a copy into itself
 * ends. @returns the copy, and how many entries were made @throws INVALID when it holds a mount; what the batch throws
 */
export async function copyEntry(
  { tree, batch, source, to, upload }: CopyEntry,
  signal?: AbortSignal,
): Promise<{ readonly entry: EntryId; readonly copied: number }> {
  const made = new Map<string, EntryId>();
  const walked = [...tree.walk(source.entry)];
  if (walked.some(({ entry }) => entry.kind === 'mount')) throw holdsShare();
  for (const { path, entry } of walked) {
    const parent = path.length === 0 ? to.parent : made.get(keyOf(path.slice(0, -1)));
    if (parent === undefined) throw new TypeError('a walk shows parents before children');
    const place = path.length === 0 ? to : { parent, name: entry.name };
    made.set(keyOf(path), await copyOne({ batch, entry, place, upload }, signal));
  }
  const entry = made.get(keyOf([]));
  if (entry === undefined) throw new TypeError('what is not reachable is copied');
  return { entry, copied: walked.length };
}

function keyOf(names: readonly EntryName[]): string {
  return JSON.stringify(names.map((name) => (name instanceof Uint8Array ? [...name] : name)));
}

async function copyOne(
  {
    batch,
    entry,
    place,
    upload,
  }: Pick<CopyEntry, 'batch'> & {
    readonly entry: Entry;
    readonly place: Placement;
    readonly upload: CopyEntry['upload'] | undefined;
  },
  signal?: AbortSignal,
): Promise<EntryId> {
  const { mtime, mode, target } = entry;
  if (entry.kind === 'directory') return batch.makeDirectory({ ...place, mtime, mode }, signal);
  if (entry.kind === 'symlink' && target !== undefined)
    return batch.putSymlink({ ...place, mtime, mode, target }, signal);
  if (upload === undefined) return batch.copyFile(entry, place, signal);
  return batch.putFile({ ...place, mtime, mode, content: await upload(entry) }, signal);
}

/** A mount would show one share in two places. */
function holdsShare(): CofferError {
  return new CofferError('INVALID', 'it is shared, or holds what is shared', {
    hint: 'Copy what is in it by itself.',
  });
}
