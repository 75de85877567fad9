/**
 * The k-th write or flush of a storage fails, for every k up to 200 and in every way; then the disk of a real daemon
 * fails under an upload.
 *
 *   npm run faults -- disk-error --rounds 200
 */
import { diskFaults, playDiskFault } from '@coffer/storage/testing';
import { failDisks } from './disk/failing-disk.ts';
import { main } from './main.ts';

/** Commits of a storage in memory: enough for so many writes and flushes. */
const steps = 110;

/** Daemons whose disk fails, for so many calls that fail in memory. */
const callsPerDaemon = 20;

/** The process is gone within this after its disk began to fail; from then on it acknowledges nothing. */
const endBarMs = 1000;

await main({
  name: 'disk-error',
  run: async ({ seed, rounds = 200 }, signal) => {
    const lines: string[] = [];
    for (const fault of diskFaults) {
      let struck = 0;
      for (let at = 1; at <= rounds; at += 1) {
        signal.throwIfAborted();
        if (!(await playDiskFault({ ...fault, at }, Math.min(steps, 4 + at)))) break;
        struck += 1;
      }
      lines.push(
        `${fault.kind} in ${fault.calls.join(', ')}: ${struck} calls failed, one each; never a false acknowledgement, none at all after a failure for good, whole after a restart`,
      );
    }
    return [...lines, ...(await daemons(seed, Math.ceil(rounds / callsPerDaemon), signal))];
  },
});

async function daemons(seed: number, rounds: number, signal: AbortSignal): Promise<readonly string[]> {
  const { endedMs, acknowledged, reasons } = await failDisks({ seed, rounds }, signal);
  const slowestMs = Math.max(...endedMs);
  const medianMs = endedMs.toSorted((a, b) => a - b)[endedMs.length >> 1] ?? 0;
  const lines = [
    `the disk of ${rounds} daemons failed under an upload: each ended with exit code 1 and the reason ${medianMs.toFixed(0)} ms (median), ${slowestMs.toFixed(0)} ms (slowest) after it, the last moment at which it could acknowledge anything, ${acknowledged} uploads went on by themselves after the restart; everything acknowledged is there`,
    ...reasons.map((reason) => `said: ${reason.replaceAll('\n', ' ')}`),
  ];
  if (slowestMs > endBarMs) throw new Error(`a daemon took too long to end\n${lines.join('\n')}`);
  return lines;
}
