import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import ignore from 'ignore';
import { CofferError, KiB } from '@coffer/core';
import { toFsPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { fileError, hasErrno } from './file-error.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** What a run does not see, on either side: not sent, not laid down, not removed. */
export interface IgnoreRules {
  /** Nothing is ignored: a run need not even make up the paths. */
  readonly isEmpty: boolean;
  /** `path` is below the root of the job. */
  ignores(path: ByteName, isDirectory: boolean): boolean;
}

/** The file in the root of a job that holds patterns, one a line. */
export const ignoreFileName = '.cofferignore';

/** A list of patterns that people keep by hand; more is a mistake, and matching would take forever. */
const maxIgnoreFileBytes = 256 * KiB;

/** Rules from patterns in the syntax of gitignore; later ones win. @throws INVALID for a pattern that means nothing */
export function createIgnoreRules(patterns: readonly string[]): IgnoreRules {
  const matcher = ignore({ ignorecase: false, allowRelativePaths: true });
  for (const pattern of patterns) addPattern(matcher, pattern);
  if (!patterns.some((pattern) => pattern.trim() !== '')) return ignoreNothing;
  return {
    isEmpty: false,
    ignores: (path, isDirectory) => path !== '' && matcher.ignores(isDirectory ? `${show(path)}/` : show(path)),
  };
}

export const ignoreNothing: IgnoreRules = { isEmpty: true, ignores: () => false };

/**
 * The patterns of `.cofferignore` in a folder; none when it has no such file. Read from a plain file only: a link, which may have
 * come out of the vault, leads to files that are nobody's business, and a device or pipe has no end.
 * @throws INVALID, NOT_ALLOWED, IO
 */
export function readIgnoreFile(root: ByteName): readonly string[] {
  let fd: number;
  try {
    fd = openSync(toFsPath(`${root}/${ignoreFileName}`), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw hasErrno(error, 'ELOOP', 'ENXIO') ? notPlain(error) : fileError(error);
  }
  try {
    return linesOf(fd);
  } catch (error) {
    throw fileError(error);
  } finally {
    closeSync(fd);
  }
}

function linesOf(fd: number): readonly string[] {
  const stats = fstatSync(fd);
  if (stats.isDirectory()) return [];
  if (!stats.isFile()) throw notPlain();
  // One byte more than may be: a file that grows meanwhile is found out, too.
  const bytes = Buffer.alloc(Math.min(stats.size, maxIgnoreFileBytes) + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.byteLength; length += read) {
    read = readSync(fd, bytes, length, bytes.byteLength - length, length);
  }
  if (length > maxIgnoreFileBytes) throw new CofferError('INVALID', `${ignoreFileName} is over 256 KiB`);
  const text = bytes.toString('utf8', 0, length);
  return text.replace(/^\uFEFF/, '').split(/\r?\n/);
}

/** To go on without the rules would send what was meant to stay here. */
function notPlain(cause?: unknown): CofferError {
  return new CofferError('INVALID', `${ignoreFileName} is not a plain file`, {
    hint: 'Put a file in the place of the link, or remove it.',
    cause,
  });
}

function addPattern(matcher: ReturnType<typeof ignore>, pattern: string): void {
  try {
    matcher.add(pattern);
  } catch (error) {
    throw new CofferError('INVALID', `"${pattern.slice(0, 80)}" is not a pattern`, { cause: error });
  }
}

/** Patterns are text; bytes that are not stand as replacement characters, which `*` and `?` match. */
function show(path: ByteName): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
