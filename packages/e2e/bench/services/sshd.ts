import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/index.ts';
import type { Child } from '../../src/index.ts';
import { prepare, program } from '../programs.ts';
import { startService } from './service.ts';

/** An sshd run by root insists on this empty folder; the system makes it when its own sshd starts. */
const privilegeSeparation = '/run/sshd';
/** What the client configuration calls the server. */
export const sshHost = 'bench';

/** A private sshd on loopback with keys of its own, and a client configuration that trusts it and nothing else. */
export class Sshd implements AsyncDisposable {
  readonly #daemon: Child;
  readonly #madeFolder: boolean;
  readonly port: number;
  readonly user: string;
  readonly clientConfig: string;
  readonly clientKey: string;
  readonly knownHosts: string;

  private constructor(parts: { folder: string; daemon: Child; port: number; user: string; madeFolder: boolean }) {
    this.#daemon = parts.daemon;
    this.#madeFolder = parts.madeFolder;
    this.port = parts.port;
    this.user = parts.user;
    this.clientConfig = join(parts.folder, 'ssh_config');
    this.clientKey = join(parts.folder, 'client');
    this.knownHosts = join(parts.folder, 'known_hosts');
  }

  static async start(folder: string): Promise<Sshd> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const port = await freePort();
    const user = userInfo().username;
    await makeKeys(folder);
    writeConfigurations({ folder, port, user });
    const madeFolder = makePrivilegeSeparationFolder();
    try {
      const argv = [program('sshd'), '-D', '-e', '-f', join(folder, 'sshd_config')] as const;
      const daemon = await startService({ argv, home: folder, port });
      return new Sshd({ folder, daemon, port, user, madeFolder });
    } catch (error) {
      if (madeFolder) rmdirSync(privilegeSeparation);
      throw error;
    }
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    if (this.#madeFolder) rmdirSync(privilegeSeparation);
  }
}

async function makeKeys(folder: string): Promise<void> {
  for (const name of ['host', 'client']) {
    const argv = [
      program('ssh-keygen'),
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      name,
      '-f',
      join(folder, name),
    ] as const;
    await prepare(argv, { home: folder });
  }
}

function writeConfigurations({ folder, port, user }: { folder: string; port: number; user: string }): void {
  const write = (name: string, lines: readonly string[]): void =>
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`, { mode: 0o600 });
  write('authorized_keys', [publicKey(folder, 'client')]);
  write('known_hosts', [`[127.0.0.1]:${port} ${publicKey(folder, 'host')}`]);
  write('sshd_config', serverLines({ folder, port, user }));
  write('ssh_config', clientLines({ folder, port, user }));
}

function serverLines({ folder, port, user }: { folder: string; port: number; user: string }): string[] {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'PidFile none',
    `AllowUsers ${user}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no', // its folder lies below one that everybody may write to, as temporary folders do
    'AllowTcpForwarding no',
    'X11Forwarding no',
    'PrintMotd no',
    'Subsystem sftp internal-sftp',
    'MaxStartups 100',
    'LogLevel ERROR',
  ];
}

function clientLines({ folder, port, user }: { folder: string; port: number; user: string }): string[] {
  return [
    `Host ${sshHost}`,
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${user}`,
    `  IdentityFile ${join(folder, 'client')}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${join(folder, 'known_hosts')}`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    '  Compression no',
  ];
}

function publicKey(folder: string, name: string): string {
  return readFileSync(join(folder, `${name}.pub`), 'utf8').trim();
}

/** True when it was missing and ours is the one to remove. */
function makePrivilegeSeparationFolder(): boolean {
  if (process.getuid?.() !== 0 || existsSync(privilegeSeparation)) return false;
  mkdirSync(privilegeSeparation, { mode: 0o755 });
  return true;
}
