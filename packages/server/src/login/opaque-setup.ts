import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CofferError } from '@coffer/core';
import { systemCode } from '../system-code.ts';

const fileName = 'opaque-setup';
const maxBytes = 4096;

/**
 * Writes the OPAQUE secret of a storage folder, readable by its owner only, on stable storage.
 * @throws EXISTS when there is one: replacing it would make every password worthless
 */
export async function writeOpaqueSetup(storagePath: string, setup: string): Promise<void> {
  await using file = await openNew(join(storagePath, fileName));
  await file.writeFile(`${setup}\n`);
  await file.sync();
}

/** @throws NOT_FOUND, CONFIG when other users can read it or it is no setup */
export async function readOpaqueSetup(storagePath: string): Promise<string> {
  const path = join(storagePath, fileName);
  await checkMode(path);
  const text = (await readFile(path, 'utf8')).trim();
  // 128 bytes: the OPRF seed and the two key pairs of ristretto255.
  if (text.length > maxBytes || !/^[A-Za-z0-9_-]{100,}$/.test(text)) {
    throw new CofferError('CONFIG', `${path} holds no login secret`, {
      hint: 'Restore it from the backup made by `coffer admin init`.',
    });
  }
  return text;
}

async function openNew(path: string) {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') throw new CofferError('EXISTS', `${path} exists already`, { cause });
    throw new CofferError('IO', `${path} cannot be written`, { cause });
  }
}

async function checkMode(path: string): Promise<void> {
  const { mode, size } = await stat(path).catch((cause: unknown) => {
    throw new CofferError(systemCode(cause) === 'ENOENT' ? 'NOT_FOUND' : 'IO', `${path} cannot be read`, {
      hint: 'Run `coffer admin init` first, or check the folder given with --storage.',
      cause,
    });
  });
  if ((mode & 0o077) !== 0)
    throw new CofferError('CONFIG', `${path} can be read by other users`, { hint: `Run: chmod 600 ${path}` });
  if (size > maxBytes) throw new CofferError('CONFIG', `${path} holds no login secret`);
}
