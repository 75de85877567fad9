import { CofferError, isCofferError } from '@coffer/core';
import type { ErrorCode } from '@coffer/core';

/**
 * What a call of `node:fs` threw, as a failure of that one path. Its message never holds the path: a report says it beside.
 * Anything that is no system error is a bug and is thrown on.
 */
export function fileError(error: unknown): CofferError {
  if (isCofferError(error)) return error;
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string' || syscall === undefined) throw error;
  return new CofferError(codes[code] ?? 'IO', messages[code] ?? `the system answered ${code} to ${syscall}`, {
    cause: error,
    details: { errno: code, syscall },
  });
}

/** True when the call failed because nothing is there (any more). */
export function isGone(error: unknown): boolean {
  return hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR');
}

export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  ENOTDIR: 'NOT_FOUND',
  EACCES: 'NOT_ALLOWED',
  EPERM: 'NOT_ALLOWED',
  EROFS: 'NOT_ALLOWED',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EEXIST: 'EXISTS',
  ENAMETOOLONG: 'INVALID',
  EILSEQ: 'INVALID',
  EINVAL: 'INVALID',
  ELOOP: 'INVALID',
};

const messages: Readonly<Record<string, string>> = {
  ENOENT: 'there is nothing of this name any more',
  ENOTDIR: 'a directory on the way is not a directory any more',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the filesystem is read-only',
  ENOSPC: 'no space is left on this device',
  EDQUOT: 'the disk quota on this machine is used up',
  EEXIST: 'something of this name is there already',
  ENAMETOOLONG: 'the name or path is too long for this filesystem',
  EILSEQ: 'this filesystem cannot hold the bytes of the name',
  EINVAL: 'this filesystem does not take the name',
  ELOOP: 'a symbolic link stands where a directory or file was expected',
  EIO: 'the disk reported an error',
};
