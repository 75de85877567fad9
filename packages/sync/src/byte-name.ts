import { nameFromBytes } from '@coffer/client';
import type { EntryName } from '@coffer/client';

/**
 * Bytes as text, one character per byte (latin1): lossless for any name or path a filesystem gives, cheap to compare and
 * to key a map with, and for ASCII the text itself. Order of characters is order of bytes.
 */
export type ByteName = string & { readonly __bytes?: true };

/** The vault's form of a name on disk (JOURNAL §Names). */
export function toEntryName(name: ByteName): EntryName {
  return isAscii(name) ? name : nameFromBytes(Buffer.from(name, 'latin1'));
}

/** The bytes of a vault name on disk. */
export function fromEntryName(name: EntryName): ByteName {
  if (typeof name === 'string') return isAscii(name) ? name : Buffer.from(name).toString('latin1');
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}

/** A path that `node:fs` takes, byte for byte. */
export function toFsPath(path: ByteName): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, 'latin1');
}

/** The byte form of a path as people and programs give it. */
export function fromFsPath(path: string | Uint8Array): ByteName {
  return fromEntryName(path);
}

/** A path for people: what is not UTF-8 or would disturb a terminal stands as `\xNN`. */
export function showPath(path: ByteName): string {
  if (printable.test(path)) return path;
  const name = toEntryName(path);
  const text = typeof name === 'string' ? name : path.replace(highBytes, escapeByte);
  return text.replace(controls, escapeByte);
}

/** Below a directory; the top of a tree has the empty path. */
export function joinPath(directory: ByteName, name: ByteName): ByteName {
  return directory === '' ? name : `${directory}/${name}`;
}

// oxlint-disable-next-line no-control-regex -- the whole range of ASCII is meant
const ascii = /^[\x00-\x7f]*$/;
const printable = /^[\x20-\x7e]*$/;
const highBytes = /[\x80-\xff]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

function isAscii(text: string): boolean {
  return ascii.test(text);
}

function escapeByte(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
