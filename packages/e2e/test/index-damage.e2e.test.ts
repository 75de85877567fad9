import { expect, test } from '@jest/globals';
import { damageIndex } from '../faults/index/damage-index.ts';
import { damagesOf } from '../faults/index/damages.ts';

test('index.db deleted, truncated or full of flipped bits costs nothing that was acknowledged', async () => {
  const three = ['deleted', 'truncated', 'bits flipped'];
  const some = damagesOf('index.db').filter(({ name }) => three.includes(name));
  const { outcomes } = await damageIndex({ seed: 3, rounds: 3, damages: some });
  expect(outcomes.map(({ damage }) => damage)).toEqual(three);
  expect(outcomes[0]?.outcome).toBe('mended at start');
}, 240_000);
