import { randomBytes } from 'node:crypto';
import { freePort } from '../../src/index.ts';
import type { Child } from '../../src/index.ts';
import { program } from '../programs.ts';
import type { Place } from '../tool.ts';
import { startService } from './service.ts';

/** `rclone serve` over HTTPS on loopback with a password of its own. */
export class RcloneServer implements AsyncDisposable {
  readonly #daemon: Child;
  readonly port: number;
  readonly user = 'bench';
  readonly password: string;

  private constructor(daemon: Child, { port, password }: { port: number; password: string }) {
    this.#daemon = daemon;
    this.port = port;
    this.password = password;
  }

  /** Serves the place's server folder; `kind` is what rclone calls it. */
  static async start(kind: 'restic' | 'webdav', { server, client, certificates }: Place): Promise<RcloneServer> {
    const port = await freePort();
    const password = randomBytes(16).toString('hex');
    const tls = ['--cert', certificates.certificate, '--key', certificates.key];
    const argv = [program('rclone'), 'serve', kind, '--addr', `127.0.0.1:${port}`, ...tls, server] as const;
    const secrets = { RCLONE_USER: 'bench', RCLONE_PASS: password, RCLONE_CONFIG: '/dev/null' };
    const daemon = await startService({ argv, home: client, port, env: secrets });
    return new RcloneServer(daemon, { port, password });
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
  }
}
