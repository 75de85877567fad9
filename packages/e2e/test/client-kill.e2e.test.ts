import { expect, test } from '@jest/globals';
import { killClients } from '../faults/client-kill/kill-clients.ts';

/** 100 kills: `npm run faults -- client-kill`. */
test('a client that is killed in a push or a pull goes on where it was', async () => {
  const { pushes, pulls } = await killClients({ seed: 3, kills: 4 });
  expect([pushes, pulls]).toEqual([2, 2]);
}, 240_000);
