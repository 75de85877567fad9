import type { UploadedContent } from '@coffer/client';
import { timestampFromNs } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { toEntryName } from './byte-name.ts';
import type { Step } from './plan.ts';
import type { Place } from './place.ts';
import { parseStamp, permissionMask, sizeIn } from './stamp.ts';
import type { Stamp } from './stamp.ts';

/** The directory of the vault, which is there by the time a step needs it. */
export function parentEntry(parent: Place): EntryId {
  if (parent.entry === undefined) throw new TypeError('a directory is used before it is made');
  return parent.entry;
}

/** Parent and name, as the batch takes them. */
export function placementOf({ parent, name }: Step): { parent: EntryId; name: string | Uint8Array } {
  return { parent: parentEntry(parent), name: toEntryName(name) };
}

/** Time and mode, as scanned. */
export function attributesOf(local: Stamp): { mtime: readonly [number, number]; mode: number } {
  const { mtimeNs, mode } = parseStamp(local);
  return { mtime: timestampFromNs(mtimeNs), mode: mode & permissionMask };
}

/** Time and mode, as read with the content. */
export function attributesFrom({ mtime, mode }: UploadedContent): Pick<UploadedContent, 'mtime' | 'mode'> {
  return { mtime, mode };
}

/** True when what was read is what was scanned. */
export function matches(content: UploadedContent, local: Stamp): boolean {
  const { mtime, mode } = attributesOf(local);
  const sameTime = content.mtime[0] === mtime[0] && content.mtime[1] === mtime[1];
  return content.size === sizeIn(local) && sameTime && content.mode === mode;
}
