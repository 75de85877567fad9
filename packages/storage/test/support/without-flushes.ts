import type { Disk } from '../../src/packs/disk.ts';
import type { MemoryDisk } from '../../src/testing/index.ts';

export type SkipFlush = (call: 'sync' | 'syncFolder', path: string) => boolean;

/** A disk that only pretends to flush some things. */
export function withoutFlushes(disk: MemoryDisk, skips: SkipFlush): Disk {
  return {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return { ...file, sync: async () => (skips('sync', path) ? undefined : file.sync()) };
    },
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: async (path) => (skips('syncFolder', path) ? undefined : disk.syncFolder(path)),
    size: (path) => disk.size(path),
    list: (path) => disk.list(path),
    remove: (path) => disk.remove(path),
    space: () => disk.space(),
  };
}
