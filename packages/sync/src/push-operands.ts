import type { UploadedContent } from '@coffer/client';
import { timestampFromNs } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { toEntryName } from './byte-name.ts';
import { attributesDiffer } from './compare.ts';
import type { Step } from './plan.ts';
import type { Place } from './place.ts';
import { makeRemoteStamp } from './remote-tree.ts';
import type { RemoteStamp } from './remote-tree.ts';
import { parseStamp, permissionMask } from './stamp.ts';
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
  return content.size === parseStamp(local).size && !attributesDiffer(local, fieldsStamp(content));
}

function fieldsStamp({ mtime, mode, size }: UploadedContent): RemoteStamp {
  return makeRemoteStamp({ kind: 'file', entry: new Uint8Array(16), seq: 0, mtime, mode, size });
}
