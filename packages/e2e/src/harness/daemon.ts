import { setTimeout } from 'node:timers/promises';
import type { Child, Finished } from './child.ts';
import { Coffer } from './coffer.ts';

export interface DaemonOptions {
  readonly storage: string;
  readonly certs: string;
  readonly logs: string;
  readonly home: string;
  /** The port that the invites name. */
  readonly port: number;
  /** More arguments for `coffer serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Time a daemon gets until it listens; generous, since machines that run tests are busy. */
const readyMs = 30_000;

/** A real `coffer serve` as a process of its own on 127.0.0.1; stopped when disposed, however the test ends. */
export class Daemon implements AsyncDisposable {
  readonly #options: DaemonOptions;
  #child: Child;

  private constructor(options: DaemonOptions, child: Child) {
    this.#options = options;
    this.#child = child;
  }

  /** Resolves once it listens. @throws Error with what it said when it does not */
  static async start(options: DaemonOptions): Promise<Daemon> {
    return new Daemon(options, await launch(options));
  }

  get port(): number {
    return this.#options.port;
  }

  /** `127.0.0.1:PORT`. */
  get address(): string {
    return `127.0.0.1:${this.#options.port}`;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.running;
  }

  /** Resolves when it ends, whatever ends it. */
  get ended(): Promise<Finished> {
    return this.#child.finished;
  }

  /** All it wrote to standard output and error since its last start. */
  get said(): string {
    return this.#child.stdout + this.#child.stderr;
  }

  /** Peak memory since its last start, children included; for one step use `resetPeakRss` and a MemoryWatch on `pid`. */
  get peakRssBytes(): number {
    return this.#child.peakRssBytes;
  }

  /** Ends as an administrator ends it: SIGTERM, then waits. */
  async stop(): Promise<Finished> {
    return await this.#child.stop();
  }

  /** Dies as in a power cut of the process: SIGKILL, no chance to write anything. */
  async kill9(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.finished;
  }

  /** SIGHUP: reload certificates and settings. */
  reload(): void {
    this.#child.kill('SIGHUP');
  }

  /** Starts it again on the same port and folders, stopping it first when it runs. Resolves once it listens. */
  async restart(): Promise<void> {
    if (this.running) await this.stop();
    await this.#child[Symbol.asyncDispose]();
    this.#child = await launch(this.#options);
  }

  /** Starts it and kills it after a while, wherever it is by then; it must not run before. */
  async restartAndKill(afterMs: number): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    this.#child = spawn(this.#options);
    await Promise.race([setTimeout(afterMs), this.#child.finished]);
    await this.kill9();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}

function spawn({ storage, certs, logs, home, port, args = [], env = {} }: DaemonOptions): Child {
  const folders = ['--storage', storage, '--certs', certs, '--logs', logs];
  const where = ['--host', '127.0.0.1', '--port', String(port)];
  return new Coffer(home).start(['serve', ...folders, ...where, ...args], { env, diesWithUs: true });
}

async function launch(options: DaemonOptions): Promise<Child> {
  const child = spawn(options);
  try {
    await child.line(/^listening on .+:\d+$/, { timeoutMs: readyMs });
    return child;
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
}
