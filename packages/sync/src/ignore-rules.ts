import { readFileSync } from 'node:fs';
import ignore from 'ignore';
import { CofferError, KiB } from '@coffer/core';
import { toFsPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { fileError, hasErrno } from './file-error.ts';

/** What a run does not see, on either side: not sent, not laid down, not removed. */
export interface IgnoreRules {
  /** Nothing is ignored: a run need not even make up the paths. */
  readonly isEmpty: boolean;
  /** `path` is below the root of the job. */
  ignores(path: ByteName, isDirectory: boolean): boolean;
}

/** The file in the root of a job that holds patterns, one a line. */
const ignoreFileName = '.cofferignore';

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

/** The patterns of `.cofferignore` in a folder; none when it has no such file. @throws INVALID, NOT_ALLOWED, IO */
export function readIgnoreFile(root: ByteName): readonly string[] {
  try {
    const bytes = readFileSync(toFsPath(`${root}/${ignoreFileName}`));
    if (bytes.byteLength > maxIgnoreFileBytes) throw new CofferError('INVALID', `${ignoreFileName} is over 256 KiB`);
    return bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return [];
    throw fileError(error);
  }
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
