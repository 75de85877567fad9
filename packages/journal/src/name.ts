import { rootEntry, fromUtf8, utf8 } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { sameBytes } from './field-schemas.ts';
import { invalid } from './refuse.ts';
import type { VaultKind } from './ref.ts';

/**
 * One path component. Text where the bytes on disk are text; else those bytes, so that nothing is lost. Every name has
 * exactly one of the two forms.
 */
export type EntryName = string | Uint8Array;

/** Bytes of the longest name: what common filesystems hold. */
export const maxNameBytes = 255;

/** Where shares appear in a home vault; no entry of its root may take this name. */
export const reservedRootName = 'Shared';

/** Refuses what JOURNAL §Names does not allow. @throws INVALID */
export function checkName(name: EntryName): void {
  const problem = nameProblem(name);
  if (problem !== undefined) throw invalid(`a name ${problem}`);
}

/** What is wrong with a name, as the end of a sentence; undefined for a good one. */
export function nameProblem(name: EntryName): string | undefined {
  return typeof name === 'string' ? textProblem(name) : bytesProblem(name);
}

/** The one form of a name that a filesystem gave as bytes. Whether it is allowed is {@link checkName}'s. */
export function nameFromBytes(bytes: Uint8Array): EntryName {
  return asText(bytes) ?? bytes;
}

/** The bytes of a name on a filesystem whose names are UTF-8. */
export function nameToBytes(name: EntryName): Uint8Array {
  return typeof name === 'string' ? utf8(name) : name;
}

/** True for the one name that is taken by the system: `Shared` in the root of a home vault. */
export function isReservedName({ kind, parent, name }: { kind: VaultKind; parent: EntryId; name: EntryName }): boolean {
  return kind === 'home' && name === reservedRootName && sameBytes(parent, rootEntry);
}

/** Bytes as text; undefined when they are not well-formed UTF-8. */
export function asText(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbiddenText = /[\u0000-\u001f\u007f-\u009f/]/;

function textProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name === '.' || name === '..') return 'is a path of its own';
  if (name.length > maxNameBytes || Buffer.byteLength(name) > maxNameBytes) return 'is longer than 255 bytes';
  if (forbiddenText.test(name)) return 'holds a slash or a control character';
  if (!name.isWellFormed()) return 'is not well-formed text';
  return undefined;
}

function bytesProblem(name: Uint8Array): string | undefined {
  if (name.byteLength > maxNameBytes) return 'is longer than 255 bytes';
  if (asText(name) !== undefined) return 'is text and must be given as text';
  if (name.some((byte) => byte < 0x20 || byte === 0x7f || byte === 0x2f)) return 'holds a slash or a control character';
  return undefined;
}
