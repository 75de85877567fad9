import type { EntryKind, EntryName } from '@coffer/client';
import type { Row } from '../src/screens/files/rows.ts';

/** A row of a list that is about nothing but lists. */
export function row(
  name: EntryName,
  more: { readonly kind?: EntryKind; readonly size?: number; readonly mtimeMs?: number } = {},
): Row {
  const { kind = 'file', size = 0, mtimeMs = 0 } = more;
  return {
    key: typeof name === 'string' ? name : Buffer.from(name).toString('hex'),
    name,
    kind,
    size,
    mtimeMs,
    get entry(): never {
      throw new TypeError('a list needs no entry');
    },
  };
}
