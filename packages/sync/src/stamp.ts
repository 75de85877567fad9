import { timestampFromNs } from '@coffer/core';
import type { Timestamp } from '@coffer/core';

/**
 * Everything that tells whether a file was touched, as one text: size, mtime, ctime, inode and mode. Equal stamps mean
 * "not touched", and comparing two texts is all that a run does for an unchanged file. Parsed only where something changed.
 */
export type Stamp = string & { readonly __stamp?: true };

export interface StampFields {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly inode: string;
  /** With the bits of the kind. */
  readonly mode: number;
}

/** A stamp that equals none: whatever bears it is read again by the next run. */
export const untrusted: Stamp = '';

/** Stands for something that was laid down under another name: it is there, but not to be looked for under this one. */
export const elsewhere: Stamp = 'elsewhere';

/** True for a stamp of a file, against one of the two that only say something about it. */
export function isReal(stamp: Stamp): boolean {
  return stamp !== untrusted && stamp !== elsewhere;
}

/** The last one parsed is kept: several questions are asked about each stamp in a row, and big integers are slow to make. */
let last: { readonly stamp: Stamp; readonly fields: StampFields } | undefined;

/** @throws TypeError for what is no real stamp */
export function parseStamp(stamp: Stamp): StampFields {
  if (last?.stamp === stamp) return last.fields;
  const [size, mtime, ctime, inode, mode] = stamp.split(':');
  if (mode === undefined) throw new TypeError('not a stamp');
  const fields = {
    size: Number(size),
    mtimeNs: BigInt(mtime ?? ''),
    ctimeNs: BigInt(ctime ?? ''),
    inode: inode ?? '',
    mode: Number(mode),
  };
  last = { stamp, fields };
  return fields;
}

/** Bytes of a file, without parsing the rest. */
export function sizeIn(stamp: Stamp): number {
  return Number(stamp.slice(0, stamp.indexOf(':')));
}

/** Permission bits, 0 to 0o7777. */
export function permissionsOf(stamp: Stamp): number {
  return parseStamp(stamp).mode & permissionMask;
}

export function mtimeOf(stamp: Stamp): Timestamp {
  return timestampFromNs(parseStamp(stamp).mtimeNs);
}

/** What survives a rename: the same text before and after it. */
export function identityOf(stamp: Stamp): string {
  const { size, mtimeNs, inode, mode } = parseStamp(stamp);
  return `${size}:${mtimeNs}:${inode}:${mode & kindMask}`;
}

/** True when size and mtime are the same, whatever happened to inode, mode and ctime. */
export function sameSizeAndTime(a: Stamp, b: Stamp): boolean {
  if (!isReal(a) || !isReal(b)) return false;
  const [left, right] = [parseStamp(a), parseStamp(b)];
  return left.size === right.size && left.mtimeNs === right.mtimeNs;
}

export const permissionMask = 0o7777;
const kindMask = 0o170000;
