import { expect, test } from '@jest/globals';
import { needsOfFlushes, PowerCuts } from '../src/testing/index.ts';

/** `npm run faults -- power-cut` plays more of them. */
const states = 40;

test('no power cut loses what was acknowledged', async () => {
  for (const seed of [1, 2]) {
    await using cuts = await PowerCuts.record({ seed, steps: 5 });
    expect(cuts.events).toBeGreaterThan(60);
    for (let cut = 0; cut < states / 2; cut += 1) await cuts.play(cut);
  }
}, 600_000);

test('without any single flush of an append some power cut loses what was acknowledged', async () => {
  const needs = needsOfFlushes({
    seed: 2,
    steps: 4,
    most: 200,
    recordings: 3,
    // Those of a recovery matter more rarely: all of them stand in `npm run faults -- power-cut`.
    only: (site) => /local-packs|pack-appender/.test(site),
  });
  let sites = 0;
  for await (const { site, states: played } of needs) {
    expect([site, typeof played]).toEqual([site, 'number']);
    sites += 1;
  }
  expect(sites).toBeGreaterThanOrEqual(6);
}, 600_000);
