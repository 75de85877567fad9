/**
 * `kill -9` of the command line at seeded moments of a push or a pull: the next run resends little and ends equal.
 *
 *   npm run faults -- client-kill --rounds 100
 */
import { killClients } from './client-kill/kill-clients.ts';
import { main } from './main.ts';

const MiB = 1024 * 1024;
/** What the server had received and was sent again, at most: 8 MiB per connection, and chunks go up on one (`connections.ts`). */
const resentBarBytes = 8 * MiB;

await main({
  name: 'client-kill',
  run: async ({ seed, rounds = 100 }, signal) => {
    const { pushes, pulls, late, resentBytes } = await killClients({ seed, kills: rounds }, signal);
    const most = Math.max(...resentBytes);
    if (most > resentBarBytes) throw new Error(`${most} bytes were sent again`);
    const median = resentBytes.toSorted((a, b) => a - b)[resentBytes.length >> 1] ?? 0;
    return [
      `${pushes + pulls} kills: ${pushes} of a push, ${pulls} of a pull, ${late} of them after its end; both sides equal after the next run each time`,
      `sent again of what the server had: ${(median / MiB).toFixed(1)} MiB (median), ${(most / MiB).toFixed(1)} MiB (most), on the one connection that chunks go up on`,
    ];
  },
});
