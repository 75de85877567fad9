import { expect, test } from '@jest/globals';
import { cutTransfers } from '../faults/network/cut-transfers.ts';

const MiB = 1024 * 1024;

/** 1 GiB each way: `npm run faults -- network`. */
test('a file goes up and comes down over a line that is reset, ended and silent in turn', async () => {
  const line = { everyMs: 1000, afterBytes: 20 * MiB, bytesPerSecond: 24 * MiB };
  const { failed } = await cutTransfers({ seed: 4, bytes: 48 * MiB, ...line });
  for (const failure of ['reset', 'FIN', 'black hole']) expect(failed[failure]).toBeGreaterThan(0);
}, 480_000);
