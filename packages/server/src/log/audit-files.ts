import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { KiB } from '@coffer/core';
import type { AuditCategory } from './audit.ts';
import { maxLineBytes } from './audit-line.ts';

/** A file of one category, by its name. */
export interface LogFile {
  readonly path: string;
  /** `2026-01-31`, UTC. */
  readonly day: string;
  /** From 1 on each day. */
  readonly number: number;
}

/** What is read at once. */
const readBytes = 64 * KiB;
const lineFeed = 0x0a;

/** Files of a category, oldest first; none when the folder is not there. */
export async function listLogFiles(folder: string, category: AuditCategory): Promise<readonly LogFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.flatMap((name) => {
    const match = /^([a-z]+)\.(\d{4}-\d{2}-\d{2})\.(\d{1,9})\.log$/.exec(name);
    if (match?.[1] !== category || match[2] === undefined) return [];
    return [{ path: join(folder, name), day: match[2], number: Number(match[3]) }];
  });
  return files.toSorted((a, b) => compareText(a.day, b.day) || a.number - b.number);
}

export function logFileName(category: AuditCategory, { day, number }: Omit<LogFile, 'path'>): string {
  return `${category}.${day}.${number}.log`;
}

export interface FileLine {
  /** Without the line feed. */
  readonly bytes: Uint8Array;
  /** Where it begins in the file, bytes. */
  readonly at: number;
  /** False for what the file ends with when no line feed follows. */
  readonly isWhole: boolean;
}

export interface ReadLines {
  /** Where to begin, bytes; the beginning of a line. */
  readonly from?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Lines of a file in order, in pieces that came with one read. One longer than any that is written comes in parts. @throws Node's error of the filesystem */
export async function* readLines(
  path: string,
  { from = 0, signal }: ReadLines = {},
): AsyncGenerator<readonly FileLine[]> {
  await using file = await open(path);
  let rest = Buffer.alloc(0);
  let at = from;
  for (;;) {
    signal?.throwIfAborted();
    const read = await readPiece(file, at + rest.byteLength);
    const piece = Buffer.concat([rest, read]);
    const { lines, used } = cutLines(piece, { at, isLast: read.byteLength === 0 });
    if (lines.length > 0) yield lines;
    if (read.byteLength === 0) return;
    rest = piece.subarray(used);
    at += used;
  }
}

async function readPiece(file: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(readBytes);
  const { bytesRead } = await file.read(buffer, 0, readBytes, position);
  return buffer.subarray(0, bytesRead);
}

function cutLines(
  piece: Buffer,
  { at, isLast }: { readonly at: number; readonly isLast: boolean },
): { readonly lines: readonly FileLine[]; readonly used: number } {
  const lines: FileLine[] = [];
  let used = 0;
  for (let end = piece.indexOf(lineFeed); end >= 0; end = piece.indexOf(lineFeed, used)) {
    lines.push({ bytes: piece.subarray(used, end), at: at + used, isWhole: true });
    used = end + 1;
  }
  const left = piece.byteLength - used;
  if (left > 0 && (isLast || left > maxLineBytes)) {
    lines.push({ bytes: piece.subarray(used), at: at + used, isWhole: false });
    used = piece.byteLength;
  }
  return { lines, used };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
