import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../../src/index.ts';
import { missingPrograms, prepare, program } from '../programs.ts';
import { Repositories } from '../repositories.ts';
import { RcloneServer } from '../services/rclone-server.ts';
import type { Command, Place, StepInput, Stored, Tool, ToolSession } from '../tool.ts';
import { firstLine } from '../versions.ts';

/** restic over its REST protocol as `rclone serve restic` speaks it, HTTPS with a pinned authority. */
export const restic: Tool = {
  name: 'restic',
  title: 'restic over HTTPS (rclone serve restic): sealed, versioned',
  missing: () => missingPrograms(['restic', 'rclone'], 'restic rclone'),
  version: () => firstLine(['restic', 'version']),
  open: async (place) => new ResticSession(place, await RcloneServer.start('restic', place)),
};

class ResticSession implements ToolSession {
  readonly restores = {};
  readonly #place: Place;
  readonly #server: RcloneServer;
  readonly #repositories: Repositories;

  constructor(place: Place, server: RcloneServer) {
    this.#place = place;
    this.#server = server;
    this.#repositories = new Repositories(place.server);
    writeFileSync(join(place.client, 'password'), randomBytes(16).toString('hex'), { mode: 0o600 });
  }

  get serverPid(): number {
    return this.#server.pid;
  }

  async begin(): Promise<void> {
    this.#repositories.begin();
    rmSync(join(this.#place.client, 'cache'), { recursive: true, force: true });
    const { user, password, port } = this.#server;
    const url = `rest:https://${user}:${password}@127.0.0.1:${port}/${this.#repositories.name}/`;
    writeFileSync(join(this.#place.client, 'repository'), url, { mode: 0o600 });
    await prepare([...this.#restic, 'init'], { home: this.#place.client, env: this.#settings });
  }

  command({ step, workload, target }: StepInput): Command {
    const env = { ...cleanEnvironment(this.#place.client), ...this.#settings };
    if (step === 'restore') {
      return { argv: [...this.#restic, 'restore', 'latest', '--quiet', '--target', target ?? ''], env };
    }
    return { argv: [...this.#restic, 'backup', '--quiet', '.'], env, cwd: workload.source };
  }

  stored(): Stored {
    return this.#repositories.stored();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  get #restic(): [string, ...string[]] {
    return [program('restic'), '--cacert', this.#place.certificates.ca];
  }

  get #settings(): Record<string, string> {
    const { client } = this.#place;
    return {
      RESTIC_REPOSITORY_FILE: join(client, 'repository'),
      RESTIC_PASSWORD_FILE: join(client, 'password'),
      RESTIC_CACHE_DIR: join(client, 'cache'),
    };
  }
}
