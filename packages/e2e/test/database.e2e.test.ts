import { expect, test } from '@jest/globals';
import { damageDatabases } from '../faults/database/damage-databases.ts';

/** More of them: `npm run faults -- database`. */
test('a database that is gone, empty or another one costs nothing that was acknowledged', async () => {
  const only = ['deleted', 'emptied', 'replaced by an older copy', 'replaced by another database'];
  const met = await damageDatabases({ seed: 20_261_127, cases: 4 * only.length, only });
  const refused = met.filter(({ outcome }) => outcome === 'refused at start');
  const expected = ['index.db replaced by another database', ...only.map((damage) => `accounts.db ${damage}`)];
  expect(refused.map(({ left, database, damage }) => `${left}: ${database} ${damage}`)).toEqual(
    ['killed', 'stopped'].flatMap((left) => expected.map((name) => `${left}: ${name}`)),
  );
}, 600_000);
