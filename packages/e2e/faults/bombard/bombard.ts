import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { MiB } from '@coffer/core';
import { compareTrees, peakRssBytes, resetPeakRss, rssBytes, startVault } from '../../src/index.ts';
import type { Coffer, Vault } from '../../src/index.ts';
import { RestlessFolder } from '../kill/restless-folder.ts';
import { Seeded } from '../seeded.ts';
import { sendMutatedFrames } from './mutated-frames.ts';
import type { Outcomes } from './mutated-frames.ts';
import { insiderOf } from './raw-connection.ts';
import type { Insider } from './raw-connection.ts';
import type { SlowKind } from './slow-peers.ts';

export interface BombardOptions {
  readonly seed: number;
  readonly frames: number;
  readonly slowPeers: number;
  readonly kinds: readonly SlowKind[];
}

export interface BombardResult {
  readonly outcomes: Outcomes;
  /** By kind: how many, and how long the slowest was kept. */
  readonly slow: readonly { readonly name: string; readonly count: number; readonly slowestMs: number }[];
  /** Rounds of an honest client, up and down and equal, while it went on. */
  readonly honestRounds: number;
  readonly memory: Memory;
}

/** Resident memory of the daemon, bytes. */
interface Memory {
  readonly beforeBytes: number;
  readonly afterBytes: number;
  /** Highest under the honest client alone. */
  readonly honestPeakBytes: number;
  /** Highest under the honest client and the attack. */
  readonly peakBytes: number;
}

/** Connections of frames at one time, each from an address of its own. */
const lanes = 6;
/** Below the limit of connections from one address, which would close them at once. */
const peersPerAddress = 40;
/** Every limit of a connection that is not proved or does not move has passed by then (PROTOCOL §Limits). */
const patienceMs = 90_000;
/** What is freed shows in the resident memory a little later. */
const settleMs = 5000;
const warmUpFrames = 600;
const honestRoundsAlone = 4;

/**
 * Attacks the real daemon from many addresses while an honest client works, up and down.
 * @throws AssertionError when the honest client notices, or a connection outlives its limits
 */
export async function bombard(options: BombardOptions, signal?: AbortSignal): Promise<BombardResult> {
  await using vault = await startVault();
  const attacker = await vault.addUser('attacker');
  const insider = await insiderOf(attacker.device);
  const slowInsider = await insiderOf(await vault.device(attacker));
  const seeded = new Seeded(options.seed);
  const honest = new Honest(
    vault.user.device,
    await vault.device(),
    new RestlessFolder(vault.folder.join('work'), seeded),
  );
  const attack = new Attack({ vault, insider, slowInsider, seeded: seeded.branch(1), signal });
  const { pid } = vault.daemon;

  await Promise.all([honest.rounds(honestRoundsAlone), attack.frames(warmUpFrames)]);
  resetPeakRss(pid);
  await honest.rounds(honestRoundsAlone);
  const honestPeakBytes = peakRssBytes(pid);
  await setTimeout(settleMs, undefined, { signal });
  const beforeBytes = rssBytes(pid);
  resetPeakRss(pid);

  const over = new AbortController();
  const attacking = Promise.all([attack.frames(options.frames), attack.slowPeers(options)]);
  const [[outcomes, slow], honestRounds] = await Promise.all([
    attacking.finally(() => over.abort()),
    honest.roundsUntil(over.signal),
  ]);
  const peakBytes = peakRssBytes(pid);
  await setTimeout(settleMs, undefined, { signal });
  const memory = { beforeBytes, afterBytes: rssBytes(pid), honestPeakBytes, peakBytes };
  assert.equal(vault.daemon.pid, pid);
  await honest.rounds(1);
  return { outcomes, slow, honestRounds, memory };
}

/** How much the attack added to what the daemon holds, at its highest and afterwards. */
export function growthMiB({ memory }: BombardResult): { readonly atPeak: number; readonly afterwards: number } {
  const { beforeBytes, afterBytes, honestPeakBytes, peakBytes } = memory;
  return { atPeak: (peakBytes - honestPeakBytes) / MiB, afterwards: (afterBytes - beforeBytes) / MiB };
}

/** A person who works on one machine and reads on another. */
class Honest {
  readonly #desk: Coffer;
  readonly #laptop: Coffer;
  readonly #folder: RestlessFolder;

  constructor(desk: Coffer, laptop: Coffer, folder: RestlessFolder) {
    this.#desk = desk;
    this.#laptop = laptop;
    this.#folder = folder;
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round += 1) await this.#round();
  }

  async roundsUntil(signal: AbortSignal): Promise<number> {
    for (let round = 0; ; round += 1) {
      if (signal.aborted) return round;
      await this.#round();
    }
  }

  async #round(): Promise<void> {
    const { path } = this.#folder;
    this.#folder.edit();
    await this.#desk.json(['sync', path, '/work', '--delete', '--force']);
    await this.#laptop.json(['sync', `${path} copy`, '/work', '--mode', 'pull', '--delete', '--force']);
    assert.deepEqual(compareTrees(path, `${path} copy`), [], 'an honest client has what it had sent');
  }
}

interface AttackParts {
  readonly vault: Vault;
  readonly insider: Insider;
  /** Another device: one may hold eight connections. */
  readonly slowInsider: Insider;
  readonly seeded: Seeded;
  readonly signal: AbortSignal | undefined;
}

class Attack {
  readonly #parts: AttackParts;

  constructor(parts: AttackParts) {
    this.#parts = parts;
  }

  /** A quarter from strangers. */
  async frames(count: number): Promise<Outcomes> {
    const { vault, insider, seeded, signal } = this.#parts;
    const outcomes: Outcomes = { ended: 0, answered: 0, waiting: 0 };
    await Promise.all(
      Array.from({ length: lanes }, (_, lane) => {
        const isStranger = lane % 4 === 3;
        const share = Math.floor((count * (lane + 1)) / lanes) - Math.floor((count * lane) / lanes);
        const input = {
          port: vault.daemon.port,
          from: `127.0.1.${lane + 1}`,
          frames: share,
          seeded: seeded.branch(lane),
        };
        return sendMutatedFrames(isStranger ? input : { ...input, insider }, outcomes, signal);
      }),
    );
    return outcomes;
  }

  /** @throws AssertionError when one is not closed by then */
  async slowPeers({ slowPeers, kinds }: BombardOptions): Promise<BombardResult['slow']> {
    const share = Math.ceil(slowPeers / kinds.length);
    return await Promise.all(
      kinds.map(async ({ name, begin, most = share }, index) => {
        const count = Math.min(most, share);
        const keptMs = await Promise.all(
          Array.from({ length: count }, (_, one) => this.#kept(begin, index * share + one)),
        );
        const slowestMs = Math.max(...keptMs);
        assert(slowestMs < patienceMs, `${name}: kept for more than ${patienceMs / 1000} s`);
        return { name, count, slowestMs };
      }),
    );
  }

  /** How long the daemon kept it. */
  async #kept(begin: SlowKind['begin'], index: number): Promise<number> {
    const { vault, slowInsider, signal } = this.#parts;
    const from = `127.0.2.${1 + Math.floor(index / peersPerAddress)}`;
    const startedMs = performance.now();
    const socket = await begin({ port: vault.daemon.port, from }, slowInsider);
    await Promise.race([closed(socket), setTimeout(patienceMs, undefined, { ref: false, signal })]);
    socket.destroy();
    return performance.now() - startedMs;
  }
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
