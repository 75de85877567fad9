import { CofferError } from '@coffer/core';
import type { ByteName } from '../byte-name.ts';
import type { Folder } from './folder.ts';

/** A name for what is kept beside; `taken` says which cannot be used. */
export type ConflictName = (name: ByteName, taken: (name: ByteName) => boolean) => ByteName;

/** This filesystem takes the name for another one that is there; the vault's entry needs a new name. */
export function takenByLikeName(): CofferError {
  return new CofferError('EXISTS', 'this filesystem takes its name for that of another file', {
    details: { likeName },
  });
}

export function isLikeName({ details }: CofferError): boolean {
  return details['likeName'] === likeName;
}

const likeName = true;

/**
 * The name under which something new can be laid down. Where a filesystem takes `README` and `Readme`, or two normal forms,
 * for one name, what comes second gets a conflict name (JOURNAL §Names). A file of exactly this name is no collision.
 */
export function freeName(folder: Folder, name: ByteName, conflictName: ConflictName): ByteName {
  if (folder.look(name) === undefined || folder.names().includes(name)) return name;
  return conflictName(name, (other) => folder.look(other) !== undefined);
}
