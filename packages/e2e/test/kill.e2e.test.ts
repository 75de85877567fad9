import { expect, test } from '@jest/globals';
import { killRounds } from '../faults/kill/kill-rounds.ts';

test('a daemon that is killed under four syncing devices has lost and changed nothing that it acknowledged', async () => {
  const result = await killRounds({ seed: 20_261_121, kills: 5, longestLifeMs: 2000 });
  expect(result.kills).toBe(5);
  expect(result.killsUnderWork).toBeGreaterThan(0);
  // The last run of each device at least.
  expect(result.acknowledged).toBeGreaterThanOrEqual(4);
  expect(result.contents).toBeGreaterThan(10);
}, 240_000);
