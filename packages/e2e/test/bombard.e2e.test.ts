import { expect, test } from '@jest/globals';
import { bombard, growthMiB } from '../faults/bombard/bombard.ts';
import { slowKinds } from '../faults/bombard/slow-peers.ts';

test('mutated frames, silent and dripping peers, wrong protocols: closed by their limits, an honest client unharmed', async () => {
  const kinds = slowKinds.filter(({ brief }) => brief);
  const result = await bombard({ seed: 12, frames: 400, slowPeers: 2 * kinds.length, kinds });
  // Both must happen, or the mutations reach nothing.
  expect(result.outcomes.ended).toBeGreaterThan(40);
  expect(result.outcomes.answered).toBeGreaterThan(20);
  expect(result.slow).toHaveLength(kinds.length);
  expect(growthMiB(result).afterwards).toBeLessThanOrEqual(32);
}, 180_000);
