import { timestampToMs } from '@coffer/core';
import type { Entry, EntryName } from '@coffer/client';
import { displayName, displayPath } from './vault-paths.ts';

/** The `ls --json` shape of an entry (CLI §Files). */
export interface EntryView {
  readonly path: string;
  readonly name: string;
  readonly type: Entry['kind'];
  readonly size: number;
  readonly modified: string;
  readonly version: number;
  readonly entry: string;
}

/** As much of an entry as is shown of it. */
export type ShownEntry = Pick<Entry, 'key' | 'name' | 'kind' | 'size' | 'mtime' | 'mode' | 'version' | 'target'>;

export function entryView(path: readonly EntryName[], entry: ShownEntry): EntryView {
  return {
    path: displayPath(path),
    name: displayName(entry.name),
    type: entry.kind,
    size: entry.size,
    modified: isoTime(timestampToMs(entry.mtime)),
    version: entry.version,
    entry: entry.key,
  };
}

/** ISO 8601 in UTC; a file may carry a time that no date can hold: it is shown at the edge. */
export function isoTime(ms: number): string {
  const limit = 8.64e15;
  return new Date(Math.min(limit, Math.max(-limit, ms))).toISOString();
}

const kindLetters = { file: '-', directory: 'd', symlink: 'l', mount: 'm' } as const;

/** `drwxr-xr-x`; setuid, setgid and sticky stand in the place of an `x`, as in `ls -l`. */
export function modeText({ kind, mode }: Pick<Entry, 'kind' | 'mode'>): string {
  const letters = Array.from('rwxrwxrwx', (letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-'));
  for (const [bit, place, letter] of specialBits) {
    if ((mode & bit) !== 0) letters[place] = letters[place] === 'x' ? letter : letter.toUpperCase();
  }
  return kindLetters[kind] + letters.join('');
}

const specialBits = [
  [0o4000, 2, 's'],
  [0o2000, 5, 's'],
  [0o1000, 8, 't'],
] as const;
