/**
 * `kill -9` of the daemon at seeded moments under eight uploading clients.
 *
 *   npm run faults -- kill --rounds 200
 */
import { killRounds } from './kill/kill-rounds.ts';
import { main } from './main.ts';

/** After a kill the daemon serves again within this (STORAGE §Order of writes). */
const readyBarMs = 5000;
/** BARS §Faults 1. */
const devices = 8;

await main({
  name: 'kill',
  run: async ({ seed, rounds = 200 }, signal) => {
    const { readyMs, ...result } = await killRounds({ seed, kills: rounds, devices }, signal);
    const slowestMs = Math.max(...readyMs);
    const medianMs = readyMs.toSorted((a, b) => a - b)[Math.floor(readyMs.length / 2)] ?? 0;
    const lines = [
      `${result.kills} kills under ${devices} clients, ${result.killsUnderWork} of a daemon at work, ${result.killsWhileStarting} of one that was recovering`,
      `${result.acknowledged} runs acknowledged, ${result.unreachable} found the server away`,
      `every acknowledged moment is there: ${result.contents} contents fetched and compared; storage in order`,
      `serving again after ${medianMs.toFixed(0)} ms (median), ${slowestMs.toFixed(0)} ms (slowest)`,
    ];
    if (slowestMs > readyBarMs) throw new Error(`serving again took too long\n${lines.join('\n')}`);
    return lines;
  },
});
