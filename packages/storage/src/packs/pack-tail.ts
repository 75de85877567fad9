import { CofferError, MiB } from '@coffer/core';
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
  try {
    const file = await disk.open(path, 'write');
    try {
      if ((await file.size()) > wholeBytes) await file.truncate(wholeBytes);
      for (let at = durableBytes; at < wholeBytes; at += stepBytes)
        await rewrite(file, at, Math.min(stepBytes, wholeBytes - at));
      await file.sync();
    } finally {
      await file.close();
    }
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
