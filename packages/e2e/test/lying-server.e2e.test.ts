import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AttackBench } from '../faults/server/attack-bench.ts';
import { attacks } from '../faults/server/attacks.ts';

/** The others run with `npm run faults -- server`. */
const brief = attacks.filter((attack) => attack.brief);
let bench: AttackBench | undefined;

beforeAll(async () => {
  bench = await AttackBench.open(7);
}, 240_000);

afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
});

test.each(brief)('refused, and no wrong byte on disk: $name', async (attack) => {
  await expect(bench?.run(attack)).resolves.toBeUndefined();
});
