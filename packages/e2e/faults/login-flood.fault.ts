/**
 * More than 200 bad logins a second, from many addresses and at many names, while a good user signs in and a device comes back. `--rounds` is
 * the number of seconds.
 *
 *   npm run faults -- login-flood
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startVault } from '../src/index.ts';
import { insiderOf } from './bombard/raw-connection.ts';
import { logInMs, proveMs } from './login/good-user.ts';
import { Guesser } from './login/guesser.ts';
import { quantile } from './login/statistics.ts';
import { main } from './main.ts';

const badPerSecond = 200;
/** What a good user's login may take, 95 of 100. */
const barMs = 1000;
/** A tenth more is offered: who waits for a delayed answer falls behind. */
const offeredPerSecond = 1.1 * badPerSecond;
/** As many as keep below the limit of one address, and guess again and again. */
const guessers = 110;

await main({
  name: 'login-flood',
  run: async ({ rounds = 30 }, signal) => {
    await using vault = await startVault();
    const { port } = vault.daemon;
    const { username, password } = vault.user;
    const insider = await insiderOf(vault.user.device);
    const quiet = await measure({ until: 5, work: () => logInMs({ port, from: '127.0.0.1' }, { username, password }) });
    const flood = new AbortController();
    const stop = AbortSignal.any([signal, flood.signal]);
    const flooding = floodFrom({ port, stop });
    const startedMs = performance.now();
    const startedCpuMs = cpuMsOf(vault.daemon.pid);
    const isOver = (): boolean => stop.aborted || performance.now() - startedMs > rounds * 1000;
    const logins: number[] = [];
    const proofs: number[] = [];
    while (!isOver()) {
      logins.push(await logInMs({ port, from: '127.0.0.1' }, { username, password }));
      proofs.push(await proveMs({ port, from: '127.0.0.1' }, insider));
    }
    flood.abort();
    const counts = await flooding;
    const cpuMs = cpuMsOf(vault.daemon.pid) - startedCpuMs;
    const bad = counts.tried + counts.turnedAway;
    const seconds = (performance.now() - startedMs) / 1000;
    const [login, proof] = [quantile(logins, 0.95), quantile(proofs, 0.95)];
    const lines = [
      `${(bad / seconds).toFixed(0)} bad logins a second for ${seconds.toFixed(0)} s: ${counts.tried} tried, ${counts.turnedAway} turned away, ${counts.failed} unanswered`,
      `they took the daemon ${(cpuMs / bad).toFixed(1)} ms of a processor each, the good user's logins included`,
      `a good user's login, stretching included: p95 ${login.toFixed(0)} ms of ${logins.length} (without the flood ${quantile(quiet, 0.95).toFixed(0)} ms)`,
      `a device that comes back: p95 ${proof.toFixed(0)} ms of ${proofs.length}`,
    ];
    if (bad / seconds < badPerSecond)
      throw new Error(`this machine is too busy to make the flood; nothing is shown\n${lines.join('\n')}`);
    if (Math.max(login, proof) > barMs) throw new Error(`a good user waits too long\n${lines.join('\n')}`);
    return lines;
  },
});

async function measure({ until, work }: { readonly until: number; readonly work: () => Promise<number> }) {
  const times: number[] = [];
  for (let n = 0; n < until; n += 1) times.push(await work());
  return times;
}

/** Processor time of a process so far, all threads; Linux counts it in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

interface Counts {
  tried: number;
  turnedAway: number;
  failed: number;
}

/** Each guesser has an address of its own, and begins a try when it is its turn, whether or not the one before has ended. */
async function floodFrom({ port, stop }: { readonly port: number; readonly stop: AbortSignal }): Promise<Counts> {
  const counts: Counts = { tried: 0, turnedAway: 0, failed: 0 };
  const everyMs = (1000 * guessers) / offeredPerSecond;
  const run = async (index: number): Promise<void> => {
    using guesser = await Guesser.open({ port, from: `127.0.${1 + Math.floor(index / 200)}.${2 + (index % 200)}` });
    let nextMs = performance.now() + (everyMs * index) / guessers;
    for (let n = 0; !stop.aborted; n += 1) {
      await sleep(Math.max(0, nextMs - performance.now()));
      nextMs += everyMs;
      // Sometimes somebody who exists, mostly whoever is in a list of names.
      const name = n % 10 === 0 ? 'admin' : `name-${index}-${n}`;
      await guesser.guess(name).then(
        ({ refused }) => (refused ? (counts.turnedAway += 1) : (counts.tried += 1)),
        () => (counts.failed += 1),
      );
    }
  };
  await Promise.all(Array.from({ length: guessers }, (_, index) => run(index)));
  return counts;
}
