/**
 * 24 GiB of holes with 1 MiB of data in them.
 *
 *   npm run faults -- sparse
 */
import { main } from './main.ts';
import { syncSparseFile } from './sparse/sparse-file.ts';

const MiB = 1024 * 1024;
const bytes = 24 * 1024 * MiB;
/** BARS §Faults 18. */
const storedBarBytes = 2 * MiB;

await main({
  name: 'sparse',
  run: async ({ seed }) => {
    const { storedBytes, sourceDiskBytes, restoredDiskBytes, upMs, downMs } = await syncSparseFile({ seed, bytes });
    if (storedBytes > storedBarBytes) throw new Error(`${storedBytes} bytes are stored`);
    if (restoredDiskBytes > 4 * sourceDiskBytes) throw new Error(`restored, it takes ${restoredDiskBytes} bytes`);
    return [
      `24 GiB with 1 MiB of data: ${storedBytes} bytes stored, up in ${(upMs / 1000).toFixed(1)} s, down in ${(downMs / 1000).toFixed(1)} s, equal`,
      `room on the disk: ${sourceDiskBytes} bytes before, ${restoredDiskBytes} restored`,
    ];
  },
});
