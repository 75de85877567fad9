/**
 * A server in the hands of an attacker, who has its keys and its storage: what it alters is refused, and no wrong byte
 * reaches the disk of a client.
 *
 *   npm run faults -- server --rounds 3
 */
import { main } from './main.ts';
import { AttackBench } from './server/attack-bench.ts';
import { attacks } from './server/attacks.ts';

await main({
  name: 'server',
  run: async ({ seed, rounds = 1 }, signal) => {
    for (let round = 0; round < rounds; round += 1) {
      await using bench = await AttackBench.open(seed + round);
      for (const attack of attacks) {
        signal.throwIfAborted();
        await bench.run(attack);
      }
    }
    return [`${attacks.length} attacks, each ${rounds} times`];
  },
});
