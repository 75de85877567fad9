/**
 * index.db deleted, truncated, flipped, replaced: made again from the packs.
 *
 *   npm run faults -- index --rounds 44
 */
import { damageIndex } from './index/damage-index.ts';
import { damagesOf } from './index/damages.ts';
import { main } from './main.ts';

const damages = damagesOf('index.db');

await main({
  name: 'index',
  run: async ({ seed, rounds = 4 * damages.length }, signal) => {
    const { outcomes } = await damageIndex({ seed, rounds, damages }, signal);
    return damages.map(({ name }) => {
      const own = outcomes.filter(({ damage }) => damage === name).map(({ outcome }) => outcome);
      const counts = [...new Set(own)].map((outcome) => `${own.filter((one) => one === outcome).length} ${outcome}`);
      return `${name}: ${counts.join(', ')}`;
    });
  },
});
