import { idKey, timestampToMs } from '@coffer/core';
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

export function entryView(path: readonly EntryName[], entry: Entry): EntryView {
  return {
    path: displayPath(path),
    name: displayName(entry.name),
    type: entry.kind,
    size: entry.size,
    modified: isoTime(timestampToMs(entry.mtime)),
    version: entry.version,
    entry: idKey(entry.entry),
  };
}

/** ISO 8601 in UTC; a file may carry a time that no date can hold: it is shown at the edge. */
export function isoTime(ms: number): string {
  const limit = 8.64e15;
  return new Date(Math.min(limit, Math.max(-limit, ms))).toISOString();
}

const kindLetters = { file: '-', directory: 'd', symlink: 'l', mount: 'm' } as const;

/** `drwxr-xr-x`. */
export function modeText(entry: Entry): string {
  const shown = 'rwxrwxrwx'.replaceAll(/./g, (letter, index: number) =>
    (entry.mode >> (8 - index)) & 1 ? letter : '-',
  );
  return kindLetters[entry.kind] + shown;
}
