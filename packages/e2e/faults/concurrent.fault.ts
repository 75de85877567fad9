/**
 * Two devices that edit, rename, move and remove at the same time and sync two ways, with kills and cut lines.
 *
 *   npm run faults -- concurrent --rounds 1000
 */
import { concurrentRounds } from './concurrent/concurrent-rounds.ts';
import { main } from './main.ts';

await main({
  name: 'concurrent',
  run: async ({ seed, rounds = 100 }, signal) => {
    const result = await concurrentRounds({ seed, rounds }, signal);
    return [
      `${result.rounds} rounds, ${result.syncs} runs of sync: ${result.killed} killed, ${result.cut} cut off`,
      `${result.conflicts} conflicts, ${result.sent} contents sent, ${result.moved} moved`,
      `${result.comparisons} times both folders and a new device compared: equal`,
      `${result.written} contents written, ${result.alive} of them nobody removed or replaced: all there, each whole`,
    ];
  },
});
