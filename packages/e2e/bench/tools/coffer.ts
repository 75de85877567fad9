import { join } from 'node:path';
import { cleanEnvironment, cofferCommand, countTree, startVault } from '../../src/index.ts';
import type { Coffer, Vault } from '../../src/index.ts';
import type { Command, Place, StepInput, Stored, Tool, ToolSession } from '../tool.ts';
import { version } from '../versions.ts';

/** Coffer itself: the real command line against the real daemon, each step a process of its own. */
export const coffer: Tool = {
  name: 'coffer',
  title: 'the real command line and daemon over TLS: sealed, versioned, every commit fsynced',
  missing: () => undefined,
  version: () => version(),
  open: async (place) => new CofferSession(place),
};

class CofferSession implements ToolSession {
  readonly restores = {};
  readonly #place: Place;
  #vault: Vault | undefined;
  /** A machine that has never seen the vault: a restore is measured from nothing. */
  #elsewhere: Coffer | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  get serverPid(): number {
    return this.#open.daemon.pid;
  }

  async begin(): Promise<void> {
    await this.#vault?.[Symbol.asyncDispose]();
    this.#vault = await startVault({ parent: this.#place.server });
    this.#elsewhere = await this.#vault.device();
  }

  command({ step, workload, target }: StepInput): Command | undefined {
    if (step === 'restore') return this.#sync(this.#elsewhere, [target ?? '', '/saved', '--mode', 'pull']);
    return this.#sync(this.#vault?.user.device, [workload.source, '/saved']);
  }

  stored(): Stored {
    const { storage } = this.#open;
    return { totalBytes: countTree(storage).bytes, contentBytes: countTree(join(storage, 'users')).bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#vault?.[Symbol.asyncDispose]();
  }

  get #open(): Vault {
    if (this.#vault === undefined) throw new Error('no run has begun');
    return this.#vault;
  }

  #sync(device: Coffer | undefined, args: readonly string[]): Command {
    const { home } = device ?? this.#open.user.device;
    return { argv: cofferCommand(['sync', ...args, '--json', '--home', home]), env: cleanEnvironment(home) };
  }
}
