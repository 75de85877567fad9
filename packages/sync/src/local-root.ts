import { mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { CofferError } from '@coffer/core';
import { fromFsPath, toFsPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { fileError, hasErrno } from './file-error.ts';

/** The real path of a folder, also of one that does not exist yet: then of what of it exists. @throws NOT_ALLOWED, IO */
export function realRoot(path: string | Uint8Array): ByteName {
  const absolute = absolutePath(path);
  try {
    return fromFsPath(realpathSync(toFsPath(absolute), { encoding: 'buffer' }));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') || dirname(absolute) === absolute) throw fileError(error);
    const above = realRoot(Buffer.from(dirname(absolute), 'latin1'));
    return `${above === '/' ? '' : above}/${basename(absolute)}`;
  }
}

/** Makes a folder and those above it. @throws NOT_ALLOWED, NO_SPACE, EXISTS, IO */
export function makeRoot(root: ByteName): void {
  try {
    mkdirSync(toFsPath(root), { recursive: true });
  } catch (error) {
    throw fileError(error);
  }
}

/** A local path in full, nothing of it followed. @throws INVALID when it is empty */
export function absolutePath(path: string | Uint8Array): ByteName {
  const bytes = fromFsPath(path);
  if (bytes === '') throw new CofferError('INVALID', 'the path of the folder is empty');
  // The working directory is text; in front of a path in bytes it must become bytes, too.
  return bytes.startsWith('/') ? resolve(bytes) : resolve(`${fromFsPath(process.cwd())}/${bytes}`);
}
