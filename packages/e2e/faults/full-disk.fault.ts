/**
 * A filesystem of 64 MiB under a real daemon is filled to the last byte. It is mounted in memory: Linux, as root.
 *
 *   npm run faults -- full-disk --rounds 20
 */
import { fillDisk } from './full-disk/fill-disk.ts';
import { main } from './main.ts';

await main({
  name: 'full-disk',
  run: async ({ seed, rounds = 20 }, signal) => {
    const { recoveredMs, ...counts } = await fillDisk({ seed, cycles: rounds }, signal);
    const slowestMs = Math.max(...recoveredMs);
    return [
      `a filesystem of 64 MiB filled to the last byte ${rounds} times, by the same daemon all the time: ${counts.refused} uploads refused with NO_SPACE (exit code 7), ${counts.refusedUnderWay} of them had begun with room`,
      `meanwhile ${counts.logins} new devices logged in, ${counts.downloads} downloads were equal, ${counts.removals} files were removed; storage in order`,
      `with room again the upload was through after ${slowestMs.toFixed(0)} ms at most`,
    ];
  },
});
