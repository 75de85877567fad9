import { expect, test } from '@jest/globals';
import { fillDisk } from '../faults/full-disk/fill-disk.ts';
import { whyNoMount } from '../faults/full-disk/small-filesystem.ts';

const refusal = await whyNoMount();

/** More of it: `npm run faults -- full-disk`. */
if (refusal === undefined) {
  test('a disk filled to the last byte refuses uploads, lets the rest through, and recovers', async () => {
    const result = await fillDisk({ seed: 20_261_127, cycles: 2 });
    expect(result).toMatchObject({ refused: 4, refusedUnderWay: 1, logins: 1, downloads: 3 });
    expect(result.removals).toBeGreaterThanOrEqual(2);
  }, 240_000);
} else test.todo(`a disk filled to the last byte: not played, no filesystem can be mounted (${refusal})`);
