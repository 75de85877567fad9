/**
 * A device with valid keys that writes what no honest client would, into the vault that an honest one pulls.
 *
 *   npm run faults -- hostile
 */
import { hostileDevice } from './hostile/hostile-device.ts';
import { main } from './main.ts';

await main({
  name: 'hostile',
  run: async ({ seed, rounds = 1 }, signal) => {
    const lines: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const result = await hostileDevice({ seed: seed + round, pullsOften: true }, signal);
      lines.push(
        `${result.pieces} pieces of mischief in ${result.commits} commits, pulled ${result.pulls} times: ` +
          `${result.voids} commits void, ${result.skips} operations skipped, nothing outside`,
      );
    }
    return lines;
  },
});
