import type { ByteName } from '../byte-name.ts';
import type { Folder } from './folder.ts';

/** A name for what is kept beside; `taken` says which cannot be used. */
export type ConflictName = (name: ByteName, taken: (name: ByteName) => boolean) => ByteName;

/**
 * The name under which something new can be laid down. Where a filesystem takes `README` and `Readme`, or two normal forms,
 * for one name, what comes second gets a conflict name (JOURNAL §Names). A file of exactly this name is no collision.
 */
export function freeName(folder: Folder, name: ByteName, conflictName: ConflictName): ByteName {
  if (folder.look(name) === undefined || folder.names().includes(name)) return name;
  return conflictName(name, (other) => folder.look(other) !== undefined);
}
