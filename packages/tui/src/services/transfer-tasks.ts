import { basename, dirname } from 'node:path';
import type { Entry, EntryName, TreeReader } from '@coffer/client';
import { layDown, pushTree } from '@coffer/sync';
import type { Services } from './services.ts';

type Parts = Pick<Services, 'account' | 'vault' | 'transfers' | 'live' | 'local'>;

/** Puts an upload into the queue: local files and folders into a folder of the vault, each under its own name. */
export function queueUpload(
  { account, vault, transfers, live }: Parts,
  { paths, into, where }: { readonly paths: readonly string[]; readonly into: Entry; readonly where: string },
): void {
  const { deviceName, device } = account.info;
  const sources = paths.map((local) => ({ local, name: basename(local) }));
  transfers.add({
    direction: 'up',
    what: nameOf(paths.map((path) => basename(path))),
    where,
    run: async ({ signal, onProgress }) => {
      try {
        return await pushTree({ vault, sources, into: into.entry, deviceName, device, onProgress, signal });
      } finally {
        live.touch();
      }
    },
  });
}

export interface Download {
  /** Where the entries are read: the vault as it is, or as it was. */
  readonly tree: TreeReader;
  readonly items: readonly { readonly entry: Entry; readonly name: EntryName }[];
  /** What, for people. */
  readonly what: string;
  /** A folder that is there takes them under their names; else one entry goes to this very path. */
  readonly target: string;
}

/** Puts a download into the queue. A different file that is there is kept beside the new one. */
export function queueDownload(
  { account, vault, transfers, local }: Parts,
  { tree, items, what, target }: Download,
): void {
  const isInto = items.length !== 1 || local.isFolder(target);
  const placed = isInto
    ? { folder: target, items }
    : { folder: dirname(target), items: items.map(({ entry }) => ({ entry, name: basename(target) })) };
  const { deviceName } = account.info;
  transfers.add({
    direction: 'down',
    what,
    where: target,
    run: ({ signal, onProgress }) => layDown({ vault, tree, ...placed, deviceName, onProgress, signal }),
  });
}

/** `a.txt`, or `a.txt and 3 others`. */
function nameOf(names: readonly string[]): string {
  const [first = '', ...others] = names;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
