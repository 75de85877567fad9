import { expect, test } from '@jest/globals';
import { damageDatabases } from '../faults/database/damage-databases.ts';

/** More of them: `npm run faults -- database`. */
test('a database that is gone, empty or another one costs nothing that was acknowledged', async () => {
  const only = ['deleted', 'emptied', 'replaced by another database'];
  const met = await damageDatabases({ seed: 20_261_127, cases: 2 * only.length, only });
  const refused = met.filter(({ outcome }) => outcome === 'refused at start');
  expect(refused.map(({ database, damage }) => `${database} ${damage}`)).toEqual([
    'index.db replaced by another database',
    ...only.map((damage) => `accounts.db ${damage}`),
  ]);
}, 600_000);
