/**
 * 10,000 mutated frames, 200 silent or dripping connections, wrong ALPN, TLS 1.2, lengths beyond all limits, while an
 * honest client works. `--rounds` is the number of frames.
 *
 *   npm run faults -- bombard
 */
import { MiB } from '@coffer/core';
import { bombard, growthMiB } from './bombard/bombard.ts';
import { slowKinds } from './bombard/slow-peers.ts';
import { main } from './main.ts';

/** What the attack may add to the daemon's resident memory. */
const growthBarMiB = 32;

await main({
  name: 'bombard',
  run: async ({ seed, rounds = 10_000 }, signal) => {
    const result = await bombard({ seed, frames: rounds, slowPeers: 240, kinds: slowKinds }, signal);
    const { outcomes, slow, honestRounds, memory } = result;
    const { atPeak, afterwards } = growthMiB(result);
    const inMiB = (bytes: number): string => (bytes / MiB).toFixed(0);
    const lines = [
      `${rounds} mutated frames: ${outcomes.ended} ended their connection, ${outcomes.answered} were harmless, ${outcomes.waiting} wait for the rest`,
      ...slow.map(
        ({ name, count, slowestMs }) =>
          `${count} × ${name}: closed after ${(slowestMs / 1000).toFixed(1)} s at the latest`,
      ),
      `meanwhile ${honestRounds} rounds of an honest client, up and down, equal`,
      `resident memory of the daemon: ${inMiB(memory.beforeBytes)} MiB before, ${inMiB(memory.afterBytes)} MiB after (${afterwards.toFixed(1)} more)`,
      `highest: ${inMiB(memory.honestPeakBytes)} MiB under the honest client, ${inMiB(memory.peakBytes)} MiB under the attack as well (${atPeak.toFixed(1)} more)`,
    ];
    if (Math.max(atPeak, afterwards) > growthBarMiB) throw new Error(`memory grew too much\n${lines.join('\n')}`);
    return lines;
  },
});
