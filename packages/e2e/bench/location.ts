import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Where } from './options.ts';

/** Names of file systems by their magic numbers (statfs(2)). */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
]);

export interface Location {
  readonly where: Where;
  readonly folder: string;
  readonly fileSystem: string;
}

/** A folder on the asked kind of file system with `neededBytes` free. @throws Error that says what is missing */
export function findLocation(where: Where, neededBytes: number): Location {
  const folders = where === 'tmpfs' ? ['/dev/shm', tmpdir()] : [tmpdir(), '/var/tmp'];
  const folder = folders.find((candidate) => (fileSystemOf(candidate) === 'tmpfs') === (where === 'tmpfs'));
  if (folder === undefined) throw new Error(`no folder for temporary files lies on ${where}`);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < neededBytes) {
    const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
    throw new Error(`${where}: ${gib(neededBytes)} GiB needed, ${gib(bavail * bsize)} GiB free (see --scale, --tools)`);
  }
  return { where, folder, fileSystem: fileSystemOf(folder) };
}

function fileSystemOf(folder: string): string {
  try {
    return fileSystems.get(statfsSync(folder).type) ?? 'another file system';
  } catch {
    return 'missing';
  }
}
