import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../../src/index.ts';
import { missingPrograms, prepare, program } from '../programs.ts';
import { Repositories } from '../repositories.ts';
import { RcloneServer } from '../services/rclone-server.ts';
import { Sshd } from '../services/sshd.ts';
import type { Command, Place, StepInput, Stored, Tool, ToolSession } from '../tool.ts';
import { firstLine } from '../versions.ts';

/** rclone's crypt remote over WebDAV on HTTPS. */
export const rcloneHttps: Tool = {
  name: 'rclone-https',
  title: 'rclone crypt over HTTPS (WebDAV): sealed, no versions, no modes, no times',
  missing: () => missingPrograms(['rclone'], 'rclone'),
  version: () => firstLine(['rclone', 'version']),
  open: async (place) => {
    const server = await RcloneServer.start('webdav', place);
    const password = await obscure(server.password, place);
    const lines = [
      'type = webdav',
      `url = https://127.0.0.1:${server.port}`,
      'vendor = other',
      `user = ${server.user}`,
      `pass = ${password}`,
    ];
    // WebDAV as rclone serves it keeps no times: sizes are all that "unchanged" can mean.
    return await CryptSession.open(place, { server, remote: lines, base: (name) => name, times: 'none' });
  },
};

/** rclone's crypt remote over sftp. */
export const rcloneSftp: Tool = {
  name: 'rclone-sftp',
  title: 'rclone crypt over sftp: sealed, no versions, no modes',
  missing: () => missingPrograms(['rclone', 'sshd', 'ssh-keygen'], 'rclone openssh-server'),
  version: () => firstLine(['rclone', 'version']),
  open: async (place) => {
    const server = await Sshd.start(join(place.client, 'ssh'));
    const address = ['host = 127.0.0.1', `port = ${server.port}`, `user = ${server.user}`];
    const keys = [`key_file = ${server.clientKey}`, `known_hosts_file = ${server.knownHosts}`];
    const remote = ['type = sftp', ...address, ...keys, 'shell_type = unix', 'disable_hashcheck = true'];
    // Without the last, rclone logs in once more for every file to run md5sum: 0.1 s each.
    return await CryptSession.open(place, { server, remote, base: (_name, path) => path, times: 's' });
  },
};

interface CryptOptions {
  readonly server: RcloneServer | Sshd;
  readonly remote: readonly string[];
  /** How the remote names a repository, given its name and its path on the server. */
  readonly base: (name: string, path: string) => string;
  readonly times: 'none' | 's';
}

class CryptSession implements ToolSession {
  readonly restores;
  readonly #place: Place;
  readonly #options: CryptOptions;
  readonly #repositories: Repositories;
  readonly #cryptPassword: string;

  private constructor(place: Place, options: CryptOptions & { readonly cryptPassword: string }) {
    this.#place = place;
    this.#options = options;
    this.#repositories = new Repositories(place.server);
    this.#cryptPassword = options.cryptPassword;
    this.restores = { modes: false, times: options.times, folderTimes: false, linkTimes: false };
  }

  static async open(place: Place, options: CryptOptions): Promise<CryptSession> {
    const cryptPassword = await obscure(randomBytes(16).toString('hex'), place);
    return new CryptSession(place, { ...options, cryptPassword });
  }

  get serverPid(): number {
    return this.#options.server.pid;
  }

  async begin(): Promise<void> {
    this.#repositories.begin();
    const base = this.#options.base(this.#repositories.name, this.#repositories.path);
    const crypt = ['type = crypt', `remote = base:${base}`, `password = ${this.#cryptPassword}`];
    const lines = ['[base]', ...this.#options.remote, '', '[sealed]', ...crypt, ''];
    writeFileSync(this.#config, lines.join('\n'), { mode: 0o600 });
  }

  command({ step, workload, target }: StepInput): Command {
    const [from, to] = step === 'restore' ? ['sealed:', target ?? ''] : [workload.source, 'sealed:'];
    const settings = ['--config', this.#config, '--ca-cert', this.#place.certificates.ca];
    const argv = [
      program('rclone'),
      'sync',
      '--quiet',
      '--links',
      '--create-empty-src-dirs',
      ...settings,
      from,
      to,
    ] as const;
    return { argv, env: cleanEnvironment(this.#place.client) };
  }

  stored(): Stored {
    return this.#repositories.stored();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.server[Symbol.asyncDispose]();
  }

  get #config(): string {
    return join(this.#place.client, 'rclone.conf');
  }
}

/** What rclone's configuration holds in place of a password. */
async function obscure(secret: string, place: Place): Promise<string> {
  const text = await prepare([program('rclone'), 'obscure', '-'], { home: place.client, input: secret });
  return text.trim();
}
