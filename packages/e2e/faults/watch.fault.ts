/**
 * Two devices watch one path of 100,000 files, while files come, change, move and go on both for minutes.
 *
 *   npm run faults -- watch --files 100000 --minutes 10
 */
import { main } from './main.ts';
import { watchChurn } from './watch/watch-churn.ts';

await main({
  name: 'watch',
  run: async ({ seed, files = 5000, minutes = 1 }, signal) => {
    const result = await watchChurn({ seed, files, minutes }, signal);
    const rss = (name: string, samples: readonly number[]): string =>
      `${name}, MiB over time: ${samples.map((bytes) => Math.round(bytes / 2 ** 20)).join(' ')}`;
    return [
      `${result.files} files at first, ${result.filesAtEnd} at the end; ${minutes} min of churn: ${result.changes} changes, ${result.runs} runs`,
      `both folders and what a third device fetches: equal, ${result.caughtUpMs} ms after the last change`,
      `a lone change, from its writing until it lay on the other side: ${delayText(result.delaysMs)}`,
      rss('the busier device', result.rss.here),
      rss('the other device', result.rss.there),
      rss('the server', result.rss.server),
    ];
  },
});

/** `sorted`: the shortest first. */
function delayText(sorted: readonly number[]): string {
  const at = (share: number): string =>
    `${sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? '?'} ms`;
  return `median ${at(0.5)}, 95 % ${at(0.95)}, at most ${at(1)}, of ${sorted.length}`;
}
