import type { Disk } from '../packs/disk.ts';

/** A flush that the code makes: the line that asks for it, and what it makes durable. */
export type FlushSite = string;

export interface WithoutFlush {
  readonly without?: FlushSite;
  readonly onFlush?: (site: FlushSite) => void;
}

/** A disk that only pretends to make one kind of flush, and tells which kinds there are. */
export function withoutFlush(disk: Disk, { without, onFlush }: WithoutFlush): Disk {
  const flush = async (what: string, work: () => Promise<void>): Promise<void> => {
    const site = `${what} (${callerOutside()})`;
    onFlush?.(site);
    if (site !== without) await work();
  };
  return {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return { ...file, sync: () => flush(whatFile(path), () => file.sync()) };
    },
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => flush(whatFolder(path), () => disk.syncFolder(path)),
    size: (path) => disk.size(path),
    list: (path) => disk.list(path),
    remove: (path) => disk.remove(path),
    space: (path) => disk.space(path),
  };
}

function whatFile(path: string): string {
  return path.includes('/journal/') ? 'a journal pack' : 'a chunk pack';
}

function whatFolder(path: string): string {
  if (/\/(chunks|journal)$/.test(path)) return 'the folder of packs';
  if (/\/users\/[0-9a-f]{32}$/.test(path)) return 'the folder of an account';
  return path.endsWith('/users') ? 'the folder of all accounts' : 'the folder of the storage';
}

/** The innermost line on the stack that is the storage's own, as `file:line`. */
function callerOutside(): string {
  const frames = (new Error('a flush').stack ?? '').split('\n').slice(1);
  const own = frames.find((frame) => /\/(src|dist)\//.test(frame) && !/\/testing\//.test(frame));
  return /([a-z-]+\.[jt]s:[0-9]+):[0-9]+/.exec(own ?? '')?.[1] ?? 'unknown';
}
