import { laidMode } from './laid-mode.ts';
import { parseRemoteStamp, sizeOf } from './remote-tree.ts';
import type { RemoteStamp } from './remote-tree.ts';
import { mtimeOf, parseStamp, permissionsOf } from './stamp.ts';
import type { Stamp } from './stamp.ts';

/** True when times or mode differ between the two sides. */
export function attributesDiffer(local: Stamp, remote: RemoteStamp): boolean {
  const there = parseRemoteStamp(remote);
  return !sameTime(local, remote) || permissionsOf(local) !== there.mode;
}

/** True when laying the vault's times and mode down would change the local ones. */
export function laidAttributesDiffer(local: Stamp, remote: RemoteStamp): boolean {
  return !sameTime(local, remote) || laidModeDiffers(local, remote);
}

function laidModeDiffers(local: Stamp, remote: RemoteStamp): boolean {
  const mode = permissionsOf(local);
  return laidMode(parseRemoteStamp(remote).mode, mode) !== mode;
}

/** The mode of a symlink means nothing on Linux and cannot be set. */
export function linkTimesDiffer(local: Stamp, remote: RemoteStamp): boolean {
  return !sameTime(local, remote);
}

/** Same size and mtime on both sides: what rsync, too, takes for the same file where it knows nothing else. */
export function looksSame(local: Stamp, remote: RemoteStamp): boolean {
  return parseStamp(local).size === sizeOf(remote) && sameTime(local, remote);
}

function sameTime(local: Stamp, remote: RemoteStamp): boolean {
  const [here, there] = [mtimeOf(local), parseRemoteStamp(remote).mtime];
  return here[0] === there[0] && here[1] === there[1];
}

/** Names of links as the vault holds them. */
export function sameTarget(a: string | Uint8Array | undefined, b: string | Uint8Array | undefined): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
