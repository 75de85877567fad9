import { isReal, untrusted } from './stamp.ts';
import type { Stamp } from './stamp.ts';

/**
 * Steps in which filesystems note times: a kernel tick (4 to 10 ms, doubled for safety); two seconds where times have no
 * fraction (FAT, old network filesystems).
 */
const tickMs = 20;
const coarseMs = 2000;

/**
 * How long a file read at `readAtMs` must rest before a later change is sure to show in its stamp; 0 when it has rested. A
 * change in the same tick as the last one before the reading would leave the stamp as it is.
 */
export function restNeededMs(stamp: Stamp, readAtMs: number): number {
  if (!isReal(stamp)) return 0;
  // Not parsed: this is asked of every file, big integers are slow to make, and a double is right to a microsecond.
  const [, mtimeNs = '', ctimeNs = ''] = stamp.split(':', 3);
  const stepMs = wholeSeconds.test(mtimeNs) ? coarseMs : tickMs;
  const youngest = Math.min(Number(mtimeNs), Number(ctimeNs)) / nsPerMs;
  return Math.max(0, youngest + stepMs - readAtMs);
}

/** The stamp to remember of a file read at that moment: one that equals none while it has not rested. */
export function trustedStamp(stamp: Stamp, readAtMs: number): Stamp {
  return restNeededMs(stamp, readAtMs) > 0 ? untrusted : stamp;
}

const wholeSeconds = /^0$|0{9}$/;

const nsPerMs = 1_000_000;
