import { expect, test } from '@jest/globals';
import { hourMs } from '@coffer/core';
import { LookUpLimit } from '../src/rights/look-up-limit.ts';
import { ManualClock } from './support/manual-clock.ts';

const [alice, bob] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];

test('an account looks up so many names an hour, whatever others do', async () => {
  const clock = new ManualClock(0);
  const limit = new LookUpLimit({ clock });
  const taken = Array.from({ length: 200 }, () => limit.take(alice)).filter(Boolean);
  expect(taken).toHaveLength(120);
  expect(limit.take(bob)).toBe(true);
  await clock.moveTo(hourMs);
  expect(limit.take(alice)).toBe(true);
});
