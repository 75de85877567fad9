import { CofferError } from '@coffer/core';
import { asText, checkName } from '@coffer/journal';
import type { EntryName } from '@coffer/journal';

/** The names of a path as people write it: `/photos/2026`, a slash in front or behind makes no difference. @throws INVALID */
export function splitPath(path: string): readonly string[] {
  const names = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const name of names) {
    if (name === '..') throw new CofferError('INVALID', 'a path in the vault cannot hold ".."');
    checkName(name);
  }
  return names;
}

/** The path as people read it; names that are not text are escaped as in {@link displayName}. */
export function formatPath(names: readonly EntryName[]): string {
  return `/${names.map(displayName).join('/')}`;
}

/** A name for people: bytes that are not UTF-8 appear as `\xNN`. Control characters cannot occur in names. */
export function displayName(name: EntryName): string {
  if (typeof name === 'string') return name;
  let shown = '';
  for (let at = 0; at < name.byteLength;) {
    const length = characterBytes(name, at);
    shown +=
      length === 0
        ? `\\x${(name[at] ?? 0).toString(16).padStart(2, '0')}`
        : (asText(name.subarray(at, at + length)) ?? '');
    at += Math.max(1, length);
  }
  return shown;
}

/** Length of the well-formed UTF-8 character at `at`, or 0. */
function characterBytes(bytes: Uint8Array, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.byteLength; length += 1) {
    if (asText(bytes.subarray(at, at + length)) !== undefined) return length;
  }
  return 0;
}
