import { expect, test } from '@jest/globals';
import { hostileDevice } from '../faults/hostile/hostile-device.ts';

test('a device with valid keys and bad intent writes nothing outside the folder of an honest one, and is named', async () => {
  const result = await hostileDevice({ seed: 5, pullsOften: false });
  expect(result.pulls).toBe(3);
  expect(result.voids).toBeGreaterThan(100);
  expect(result.skips).toBeGreaterThan(15);
}, 120_000);
