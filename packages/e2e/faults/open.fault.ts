/**
 * A storage of 10 GiB is opened after its process was killed.
 *
 *   npm run faults -- open
 */
import { main } from './main.ts';
import { openAfterKill } from './open/open-after-kill.ts';

const GiB = 1024 ** 3;
const bytes = 10 * GiB;
/** STORAGE §Order of writes. */
const openBarMs = 5000;

await main({
  name: 'open',
  run: async ({ seed }, signal) => {
    const { storedBytes, commits, cold, openMs } = await openAfterKill({ seed, bytes }, signal);
    if (openMs > openBarMs) throw new Error(`opening took ${openMs.toFixed(0)} ms`);
    const from = cold ? 'with nothing of it in memory' : 'from memory: the caches could not be dropped';
    return [
      `${(storedBytes / GiB).toFixed(1)} GiB of random chunks, ${commits} commits, killed: open after ${openMs.toFixed(0)} ms, ${from}`,
    ];
  },
});
