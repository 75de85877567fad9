import { join } from 'node:path';
import { cleanEnvironment } from '../../src/index.ts';
import type { CompareOptions } from '../../src/index.ts';
import { missingPrograms, program } from '../programs.ts';
import { Repositories } from '../repositories.ts';
import { Sshd, sshHost } from '../services/sshd.ts';
import type { Command, Place, StepInput, Stored, Tool, ToolSession } from '../tool.ts';
import { firstLine } from '../versions.ts';

/** Plain copies over ssh: what a tool costs that neither seals at rest nor keeps versions. */
export const rsync: Tool = {
  name: 'rsync',
  title: 'rsync over ssh: neither sealed at rest nor versioned',
  missing: () => missingPrograms(['rsync', 'ssh', 'sshd', 'ssh-keygen'], 'rsync openssh-server'),
  version: () => firstLine(['rsync', '--version']),
  open: async (place) => await SshCopySession.open(place, { restores: {}, build: rsyncCommand }),
};

/** What is left of rsync's time when ssh is told to be quick: as installed it spends 0.2 s of each side on its key exchange. */
export const rsyncQuick: Tool = {
  ...rsync,
  name: 'rsync-quick',
  title: 'rsync over ssh with curve25519 and AES-128-GCM instead of the defaults',
  open: async (place) => await SshCopySession.open(place, { restores: {}, build: rsyncQuickCommand }),
};

export const scp: Tool = {
  name: 'scp',
  title: 'scp: neither sealed at rest nor versioned; the one file only, since it follows links',
  missing: () => missingPrograms(['scp', 'ssh', 'sshd', 'ssh-keygen'], 'openssh-client openssh-server'),
  version: () => firstLine(['ssh', '-V']),
  open: async (place) => await SshCopySession.open(place, { restores: { times: 's' }, build: scpCommand }),
};

type Build = (input: StepInput & { readonly remote: string; readonly config: string }) => Command['argv'] | undefined;

class SshCopySession implements ToolSession {
  readonly restores: CompareOptions;
  readonly #place: Place;
  readonly #sshd: Sshd;
  readonly #build: Build;
  readonly #repositories: Repositories;

  private constructor(place: Place, parts: { sshd: Sshd; restores: CompareOptions; build: Build }) {
    this.#place = place;
    this.#sshd = parts.sshd;
    this.restores = parts.restores;
    this.#build = parts.build;
    this.#repositories = new Repositories(place.server);
  }

  static async open(place: Place, parts: { restores: CompareOptions; build: Build }): Promise<SshCopySession> {
    return new SshCopySession(place, { ...parts, sshd: await Sshd.start(join(place.client, 'ssh')) });
  }

  get serverPid(): number {
    return this.#sshd.pid;
  }

  async begin(): Promise<void> {
    this.#repositories.begin();
  }

  command(input: StepInput): Command | undefined {
    const remote = `${sshHost}:${this.#repositories.path}`;
    const argv = this.#build({ ...input, remote, config: this.#sshd.clientConfig });
    return argv && { argv, env: cleanEnvironment(this.#place.client) };
  }

  stored(): Stored {
    return this.#repositories.stored();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sshd[Symbol.asyncDispose]();
  }
}

const rsyncCommand: Build = ({ step, workload, target, remote, config }) => {
  const [from, to] = step === 'restore' ? [remote, target] : [workload.source, remote];
  return [program('rsync'), '-a', '--rsh', `ssh -F ${config}`, `${from}/`, `${to}/`];
};

const rsyncQuickCommand: Build = (input) =>
  rsyncCommand({ ...input, config: `${input.config} -o KexAlgorithms=curve25519-sha256 -c aes128-gcm@openssh.com` });

const scpCommand: Build = ({ step, workload, target, remote, config }) => {
  const name = 'large.bin';
  if (workload.name !== 'file') return undefined;
  if (step === 'upload' || step === 'edit')
    return [program('scp'), '-q', '-p', '-F', config, join(workload.source, name), `${remote}/`];
  if (step !== 'restore') return undefined; // it cannot tell that nothing changed
  return [program('scp'), '-q', '-p', '-F', config, `${remote}/${name}`, `${target}/`];
};
