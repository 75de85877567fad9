import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { cleanEnvironment, freePort } from '../../src/index.ts';
import type { Child } from '../../src/index.ts';
import { Repositories } from '../repositories.ts';
import { startService } from '../services/service.ts';
import type { Command, Place, StepInput, Stored, Tool, ToolSession } from '../tool.ts';

const clientScript = fileURLToPath(new URL('./tls-copy-client.ts', import.meta.url));
const serverScript = fileURLToPath(new URL('./tls-copy-server.ts', import.meta.url));

/** The raw limit of the machine for what Coffer is made of: bytes from disk over Node's TLS to disk, nothing else. */
export const tlsCopy: Tool = {
  name: 'tls-copy',
  title: 'raw copy over TLS between two Node processes: the baseline, no names, no metadata',
  missing: () => undefined,
  version: () => `Node ${process.version}`,
  open: async (place) => {
    const port = await freePort();
    const { certificate, key } = place.certificates;
    const argv = [process.execPath, serverScript, String(port), certificate, key, place.server] as const;
    return new TlsCopySession(place, { port, server: await startService({ argv, home: place.client, port }) });
  },
};

class TlsCopySession implements ToolSession {
  readonly restores = { modes: false, times: 'none' } as const;
  readonly #place: Place;
  readonly #server: Child;
  readonly #port: number;
  readonly #repositories: Repositories;

  constructor(place: Place, { port, server }: { port: number; server: Child }) {
    this.#place = place;
    this.#port = port;
    this.#server = server;
    this.#repositories = new Repositories(place.server);
  }

  get serverPid(): number {
    return this.#server.pid;
  }

  async begin(): Promise<void> {
    this.#repositories.begin();
  }

  command({ step, workload, target }: StepInput): Command | undefined {
    const env = cleanEnvironment(this.#place.client);
    const start = [process.execPath, clientScript, String(this.#port), this.#place.certificates.ca] as const;
    const file = join(this.#repositories.name, 'copy');
    if (step === 'upload' || step === 'edit') return { argv: [...start, 'put', file, workload.source], env };
    // A stream of many files has no names to restore them by.
    if (step !== 'restore' || workload.name !== 'file') return undefined;
    return { argv: [...start, 'get', file, join(target ?? '', 'large.bin')], env };
  }

  stored(): Stored {
    return this.#repositories.stored();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill('SIGTERM');
    await this.#server[Symbol.asyncDispose]();
  }
}
