import { createCipheriv } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Seeded } from './seeded.ts';

const stepBytes = 1024 * 1024;

/** A file that cannot be compressed; the same seed gives the same bytes. */
export function writeRandomFile(
  path: string,
  { bytes, seeded }: { readonly bytes: number; readonly seeded: Seeded },
): void {
  const stream = createCipheriv('aes-256-ctr', seeded.bytes(32), seeded.bytes(16));
  const zeros = new Uint8Array(stepBytes);
  const file = openSync(path, 'w');
  try {
    for (let left = bytes; left > 0; left -= stepBytes)
      writeSync(file, stream.update(zeros.subarray(0, Math.min(stepBytes, left))));
  } finally {
    closeSync(file);
  }
}
