import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../../src/index.ts';
import { missingPrograms, prepare, program } from '../programs.ts';
import { Repositories } from '../repositories.ts';
import { Sshd, sshHost } from '../services/sshd.ts';
import type { Command, Place, Step, StepInput, Stored, Tool, ToolSession } from '../tool.ts';
import { firstLine } from '../versions.ts';

/** Borg over ssh, with its authenticated encryption and default compression. */
export const borg: Tool = {
  name: 'borg',
  title: 'Borg over ssh: sealed, versioned',
  missing: () => missingPrograms(['borg', 'ssh', 'sshd', 'ssh-keygen'], 'borgbackup openssh-server'),
  version: () => firstLine(['borg', '--version']),
  open: async (place) => new BorgSession(place, await Sshd.start(join(place.client, 'ssh'))),
};

const archives: Record<Step, string> = { upload: 'first', unchanged: 'second', edit: 'third', restore: 'third' };

class BorgSession implements ToolSession {
  readonly restores = {};
  readonly #place: Place;
  readonly #sshd: Sshd;
  readonly #repositories: Repositories;

  constructor(place: Place, sshd: Sshd) {
    this.#place = place;
    this.#sshd = sshd;
    this.#repositories = new Repositories(place.server);
    writeFileSync(join(place.client, 'password'), randomBytes(16).toString('hex'), { mode: 0o600 });
  }

  get serverPid(): number {
    return this.#sshd.pid;
  }

  async begin(): Promise<void> {
    this.#repositories.begin();
    rmSync(join(this.#place.client, 'borg'), { recursive: true, force: true });
    const argv = [program('borg'), 'init', '--encryption', 'repokey-blake2', this.#url] as const;
    await prepare(argv, { home: this.#place.client, env: this.#settings });
  }

  command({ step, workload, target }: StepInput): Command {
    const env = { ...cleanEnvironment(this.#place.client), ...this.#settings };
    const archive = `${this.#url}::${archives[step]}`;
    if (step === 'restore') return { argv: [program('borg'), 'extract', archive], env, cwd: target ?? '' };
    return { argv: [program('borg'), 'create', archive, '.'], env, cwd: workload.source };
  }

  stored(): Stored {
    return this.#repositories.stored();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sshd[Symbol.asyncDispose]();
  }

  get #url(): string {
    return `ssh://${sshHost}${this.#repositories.path}`;
  }

  get #settings(): Record<string, string> {
    return {
      BORG_RSH: `ssh -F ${this.#sshd.clientConfig}`,
      BORG_PASSCOMMAND: `cat ${join(this.#place.client, 'password')}`,
      BORG_BASE_DIR: join(this.#place.client, 'borg'),
    };
  }
}
