/**
 * Does a login tell whether a name exists? Known and unknown names in random order: sizes of the answers must be equal, and
 * their times must not tell the two apart. `--rounds` is the number of tries.
 *
 *   npm run faults -- login-oracle
 */
import { startVault } from '../src/index.ts';
import { Guesser } from './login/guesser.ts';
import type { Try } from './login/guesser.ts';
import { areaUnderCurve, quantile } from './login/statistics.ts';
import { main } from './main.ts';
import { Seeded } from './seeded.ts';

/** What an attacker may gain by a stopwatch. */
const areaBar = 0.55;
/** Otherwise the limits would be measured. */
const noLimits = { COFFER_LOGIN_ATTEMPTS_PER_HOUR: '1000000', COFFER_LOGIN_ADDRESS_PER_HOUR: '1000000' };
/** Tries before it counts: threads start, code gets warm. */
const warmUp = 100;

await main({
  name: 'login-oracle',
  run: async ({ seed, rounds = 2000 }, signal) => {
    await using vault = await startVault({ serveEnv: noLimits });
    using guesser = await Guesser.open({ port: vault.daemon.port, from: '127.0.0.2' });
    const chance = new Seeded(seed);
    const tries: Record<'known' | 'unknown', Try[]> = { known: [], unknown: [] };
    for (let n = -warmUp; n < rounds; n += 1) {
      signal.throwIfAborted();
      const kind = chance.chance(0.5) ? 'known' : 'unknown';
      const name = kind === 'known' ? 'user' : 'usex';
      const made = await guesser.guess(name);
      if (n >= 0) tries[kind].push(made);
    }
    return judge(tries);
  },
});

function judge({ known, unknown }: Record<'known' | 'unknown', readonly Try[]>): readonly string[] {
  const all = [...known, ...unknown];
  const sizes = new Set(all.map(({ startBytes, finishBytes }) => `${startBytes} B and ${finishBytes} B`));
  const lines = [
    `${known.length} tries at a known name, ${unknown.length} at an unknown one; answers of ${[...sizes].join(', or ')}`,
  ];
  for (const time of ['startMs', 'finishMs'] as const) {
    const [one, other] = [known, unknown].map((tries) => tries.map((made) => made[time]));
    const area = areaUnderCurve(one ?? [], other ?? []);
    const medians = [one, other].map((times) => `${quantile(times ?? [], 0.5).toFixed(2)} ms`).join(' and ');
    lines.push(`${time === 'startMs' ? 'first' : 'second'} answer: medians ${medians}, AUC ${area.toFixed(3)}`);
    if (area > areaBar) throw new Error(`the time of an answer tells who exists\n${lines.join('\n')}`);
  }
  if (sizes.size !== 1) throw new Error(`the size of an answer tells who exists\n${lines.join('\n')}`);
  return lines;
}
