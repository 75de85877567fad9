import { expect, test } from '@jest/globals';
import { failDisks } from '../faults/disk/failing-disk.ts';

/** More of them: `npm run faults -- disk-error`. */
test('a daemon whose disk fails ends and says why; after a restart everything acknowledged is there', async () => {
  const { endedMs, reasons } = await failDisks({ seed: 3, rounds: 2 });
  expect(endedMs).toHaveLength(1);
  for (const reason of reasons) expect(reason).toMatch(/^error: the storage failed \(.+\); the server has stopped/);
}, 240_000);
