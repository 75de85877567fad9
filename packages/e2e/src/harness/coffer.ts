import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Finished } from './child.ts';
import { cleanEnvironment } from './environment.ts';

const launcher = fileURLToPath(new URL('../../../cli/bin/coffer.mjs', import.meta.url));

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Added to a clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly diesWithUs?: boolean;
  /** Aborting sends SIGTERM. */
  readonly signal?: AbortSignal;
}

/** How one `coffer` command ended. */
export interface CofferResult extends Finished {
  /** What it printed as its one JSON document; undefined when standard output is not JSON. */
  readonly json: unknown;
  /** The error document of `--json`; undefined when it said none. */
  readonly error: CofferFailure | undefined;
}

export interface CofferFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** The real command line program with one profile home. Homes are independent machines as far as Coffer can tell. */
export class Coffer {
  readonly home: string;
  readonly #env: Readonly<Record<string, string>>;

  /** `env`: for every command of this machine, as where its password lies. */
  constructor(home: string, env: Readonly<Record<string, string>> = {}) {
    this.home = home;
    this.#env = env;
  }

  /** What every command of this machine is given. */
  get environment(): Readonly<Record<string, string>> {
    return { ...cleanEnvironment(this.home), ...this.#env };
  }

  /** Runs a command to its end, whatever that is. @throws Error only when it cannot be started */
  async run(args: readonly string[], options: RunOptions = {}): Promise<CofferResult> {
    await using child = this.start(args, options);
    return readResult(await child.finished);
  }

  /** The JSON result of a command that must succeed. @throws Error with what it said when it does not */
  async json<Result>(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    const result = await this.run([...args, '--json'], options);
    if (result.exitCode !== 0 || result.json === undefined) throw new Error(describeFailure(args, result));
    return result.json as Result;
  }

  /** Starts a command and lets it run, to be watched, killed or awaited. The caller disposes it. */
  start(args: readonly string[], options: RunOptions = {}): Child {
    const { env, ...rest } = options;
    return new Child(cofferCommand([...args, '--home', this.home]), {
      ...rest,
      env: { ...this.environment, ...env },
    });
  }
}

/** The command line that runs the real `coffer` under the Node that runs now. */
export function cofferCommand(args: readonly string[]): [string, ...string[]] {
  return [process.execPath, launcher, ...args];
}

/** A finished command with its JSON read. */
export function readResult(finished: Finished): CofferResult {
  return { ...finished, json: parseJson(finished.stdout), error: findError(finished.stderr) };
}

function findError(stderr: string): CofferFailure | undefined {
  for (const line of stderr.trim().split('\n').toReversed()) {
    const document = parseJson(line) as { error?: CofferFailure } | undefined;
    if (document?.error !== undefined) return document.error;
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function describeFailure(args: readonly string[], { exitCode, stdout, stderr }: Finished): string {
  return `coffer ${args.join(' ')}: exit code ${exitCode}\n${stderr}${stdout}`.slice(0, 4000);
}
