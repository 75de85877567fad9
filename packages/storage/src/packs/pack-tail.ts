import { CofferError, MiB } from '@coffer/core';
import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import { diskErrorCode } from './disk.ts';
import type { PackTail } from './packs.ts';

/** What one step of a rewrite holds in memory. */
const stepBytes = 4 * MiB;

/**
 * Cuts what follows the whole records and makes the rest durable.
 *
 * The records of the tail are written again, byte for byte, before the sync: after an fsync that failed the kernel may
 * hold pages that it calls clean and that never reached the disk, and only a new write makes the next fsync mean them.
 */
export async function makeDurable(disk: Disk, path: string, { durableBytes, wholeBytes }: PackTail): Promise<void> {
  await recovering(path, async () => {
    await withFile(disk, path, async (file) => {
      if ((await file.size()) > wholeBytes) await file.truncate(wholeBytes);
      for (let at = durableBytes; at < wholeBytes; at += stepBytes)
        await rewrite(file, at, Math.min(stepBytes, wholeBytes - at));
      await file.sync();
    });
    // The process may have ended before the name of a new pack was durable.
    if (durableBytes === 0) await disk.syncFolder(dirname(path));
  });
}

/** Everything that lies in a pack survives a power cut afterwards, and so does its name. */
export async function settlePack(disk: Disk, path: string): Promise<void> {
  await recovering(path, async () => {
    await withFile(disk, path, (file) => file.sync());
    await disk.syncFolder(dirname(path));
  });
}

async function withFile(disk: Disk, path: string, work: (file: DiskFile) => Promise<void>): Promise<void> {
  const file = await disk.open(path, 'write');
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

async function recovering(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CofferError) throw error;
    throw new CofferError('IO', `could not recover the end of a pack (${diskErrorCode(error) ?? 'unknown'})`, {
      cause: error,
      details: { path },
    });
  }
}

async function rewrite(file: DiskFile, position: number, bytes: number): Promise<void> {
  const content = Buffer.allocUnsafeSlow(bytes);
  let rest: Uint8Array = content.subarray(0, await file.read(content, position));
  let at = position;
  while (rest.byteLength > 0) {
    const written = await file.write([rest], at);
    if (written === 0) throw new CofferError('IO', 'a write made no progress');
    rest = rest.subarray(written);
    at += written;
  }
}
