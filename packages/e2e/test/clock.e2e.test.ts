import { expect, test } from '@jest/globals';
import { clockJumps } from '../faults/clock/clock-jumps.ts';
import { whyNoShift } from '../faults/clock/shifted-time.ts';

const refusal = whyNoShift();

/** More of it: `npm run faults -- clock`. */
if (refusal === undefined) {
  test('clocks that are ten years ahead lose nothing, let nothing expire early, and let nobody in', async () => {
    const result = await clockJumps({ seed: 20_261_127, shifts: ['+10y'], places: ['client', 'jump'] });
    expect(result).toMatchObject({ clientsRefused: 2, jumps: 2, collections: 1, intrudersRefused: 1 });
    expect(result.expiredWhenAccepted).toBeGreaterThanOrEqual(3);
  }, 600_000);
} else test.todo(`clocks that are ten years ahead: not played, ${refusal}`);
