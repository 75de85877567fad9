import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real `coffer` as a person would; state and keys of the quick start lie in `.coffer` of the checkout. */
export class CofferRunner {
  readonly root: string;
  readonly home: string;

  constructor(root: string) {
    this.root = root;
    this.home = join(root, '.coffer');
  }

  start(args: readonly string[], input?: string): ChildProcess {
    const program = join(this.root, 'packages/cli/bin/coffer.mjs');
    const child = spawn(process.execPath, [program, ...args, '--home', this.home], { cwd: this.root, stdio: 'pipe' });
    child.stdin.end(input);
    return child;
  }

  /** In the terminal of this process. @returns its exit code */
  async atTerminal(args: readonly string[]): Promise<number> {
    const program = join(this.root, 'packages/cli/bin/coffer.mjs');
    const argv = [program, ...args, '--home', this.home];
    const child = spawn(process.execPath, argv, { cwd: this.root, stdio: 'inherit' });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  }

  /** Its JSON result. @throws Error with what the program said when it failed */
  async json<Result>(args: readonly string[], input?: string): Promise<Result> {
    const { exitCode, stdout, stderr } = await this.run([...args, '--json'], input);
    if (exitCode !== 0) throw new Error(`coffer ${args[0]} failed with exit code ${exitCode}\n${readable(stderr)}`);
    return JSON.parse(stdout) as Result;
  }

  async run(args: readonly string[], input?: string): Promise<Finished> {
    const child = this.start(args, input);
    const [stdout, stderr, exitCode] = await Promise.all([
      collect(child.stdout),
      collect(child.stderr),
      new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1))),
    ]);
    return { exitCode, stdout, stderr };
  }
}

async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  if (stream === null) return text;
  stream.setEncoding('utf8');
  for await (const part of stream) text += part;
  return text;
}

/** The error document of `--json` as the two lines that a person reads. */
function readable(stderr: string): string {
  try {
    const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as {
      error: { message: string; hint: string | null };
    };
    return `error: ${error.message}${error.hint === null ? '' : `\nhint: ${error.hint}`}`;
  } catch {
    return stderr;
  }
}
