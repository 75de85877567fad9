import { expect, test } from '@jest/globals';
import { openAfterKill } from '../faults/open/open-after-kill.ts';

const MiB = 1024 * 1024;

/** 10 GiB: `npm run faults -- open`. */
test('a storage whose process was killed while it filled opens with all that was acknowledged', async () => {
  const { storedBytes, commits } = await openAfterKill({ seed: 1, bytes: 96 * MiB });
  expect(storedBytes).toBeGreaterThan(96 * MiB);
  expect(commits).toBeGreaterThan(2);
}, 240_000);
