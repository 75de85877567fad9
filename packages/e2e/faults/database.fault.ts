/**
 * index.db and accounts.db deleted, truncated, flipped, replaced, after a kill and after a stop: found, mended as the manual says, nothing
 * acknowledged is lost. `npm run faults -- index` does it to index.db under the real daemon.
 *
 *   npm run faults -- database --rounds 100
 */
import { damageDatabases } from './database/damage-databases.ts';
import { main } from './main.ts';

await main({
  name: 'database',
  run: async ({ seed, rounds = 100 }, signal) => {
    const met = await damageDatabases({ seed, cases: rounds }, signal);
    const counts = new Map<string, Map<string, number>>();
    for (const { left, database, damage, outcome } of met) {
      const own = counts.get(`${left}: ${database} ${damage}`) ?? new Map<string, number>();
      counts.set(`${left}: ${database} ${damage}`, own.set(outcome, (own.get(outcome) ?? 0) + 1));
    }
    return [
      `${met.length} cases: everything acknowledged is there after each, at once or mended as the manual says`,
      ...[...counts].map(
        ([name, own]) => `${name}: ${[...own].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`,
      ),
    ];
  },
});
