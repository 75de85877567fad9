/**
 * 1 GiB goes up and comes down over a line whose connections are reset, ended or go silent every 5 s.
 *
 *   npm run faults -- network
 */
import { main } from './main.ts';
import { cutTransfers } from './network/cut-transfers.ts';

const MiB = 1024 * 1024;
const bytes = 1024 * MiB;
const everyMs = 5000;
/** Of the at most 8 MiB that each connection loses with a cut, something must remain. */
const afterBytes = 24 * MiB;
/** Some ten failures each way. */
const bytesPerSecond = 24 * MiB;

await main({
  name: 'network',
  run: async ({ seed }, signal) => {
    const { transfers, failed } = await cutTransfers({ seed, bytes, everyMs, afterBytes, bytesPerSecond }, signal);
    const counts = Object.entries(failed).map(([name, count]) => `${count} ${name}`);
    return [
      ...transfers.map(
        (transfer) =>
          `1 GiB ${transfer.direction}: equal, after ${transfer.runs} commands, ${(transfer.bytes / MiB).toFixed(0)} MiB in ${(transfer.elapsedMs / 1000).toFixed(0)} s`,
      ),
      `connections that failed: ${counts.join(', ')}`,
    ];
  },
});
