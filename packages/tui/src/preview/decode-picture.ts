import { once } from 'node:events';
import { startWorker } from '@coffer/core';
import type { PictureKind } from './picture-size.ts';
import type { Picture } from './picture.ts';

/** Nobody waits longer for a preview. */
const decodeMs = 10_000;

/** Decodes on a thread of its own, which ends with the signal. @throws what is wrong with the file, or that it takes too long */
export async function decodePicture(
  { format, bytes }: { readonly format: PictureKind['format']; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<Picture> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(decodeMs)]);
  // Beyond the picture itself it needs little.
  const resourceLimits = { maxOldGenerationSizeMb: 128 };
  const worker = startWorker(new URL('./picture-worker.ts', import.meta.url), {
    workerData: { format, bytes },
    resourceLimits,
  });
  try {
    const [picture] = (await once(worker, 'message', { signal: stop })) as [Picture];
    return picture;
  } finally {
    await worker.terminate();
  }
}
