/**
 * The power goes at any moment of recorded writes: what was not flushed is dropped or torn, the index is older or gone.
 * Then the same without each flush of the code in turn: some state must lose something.
 *
 *   npm run faults -- power-cut --rounds 2000
 */
import { needsOfFlushes, PowerCuts } from '@coffer/storage/testing';
import { main } from './main.ts';

/** Cuts played on one recorded run of a storage. */
const cutsPerRecording = 100;

await main({
  name: 'power-cut',
  run: async ({ seed, rounds = 2000 }, signal) => {
    let writes = 0;
    let recordings = 0;
    for (let state = 0; state < rounds; recordings += 1) {
      await using cuts = await PowerCuts.record({ seed: seed + recordings, steps: 4 + (recordings % 8) });
      writes += cuts.events;
      for (let cut = 0; cut < cutsPerRecording && state < rounds; cut += 1, state += 1) {
        signal.throwIfAborted();
        await cuts.play(seed + state);
      }
    }
    return [
      `${rounds} states of ${recordings} runs with ${writes} writes and flushes: all that was acknowledged is there`,
      ...(await needs(seed, signal)),
    ];
  },
});

/** The same line may flush several things; it is needless when none of them is needed. */
async function needs(seed: number, signal: AbortSignal): Promise<readonly string[]> {
  const lines: string[] = [];
  const needed = new Map<string, boolean>();
  for await (const { site, states } of needsOfFlushes({ seed, steps: 4, most: 300, recordings: 8 })) {
    signal.throwIfAborted();
    const line = /\((.+)\)/.exec(site)?.[1] ?? site;
    needed.set(line, states !== undefined || needed.get(line) === true);
    lines.push(
      `without the flush of ${site}: ${states === undefined ? 'nothing lost' : `lost after ${states} states`}`,
    );
  }
  const needless = [...needed].filter(([, isNeeded]) => !isNeeded);
  if (needless.length > 0) throw new Error(`no state needs ${needless.join(', ')}\n${lines.join('\n')}`);
  return lines;
}
