import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { MemoryWatch } from './measure.ts';

export interface ChildOptions {
  /** Whole environment of the child; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Written to its standard input, which is then closed; without it the input is empty. */
  readonly input?: string | Uint8Array;
  /** It is killed when this process dies in whatever way, even by SIGKILL (Linux with util-linux). */
  readonly diesWithUs?: boolean;
  /** Aborting sends SIGTERM; the child then ends in its own way and its result is given as usual. */
  readonly signal?: AbortSignal;
}

/** How a process ended, and what it cost. */
export interface Finished {
  /** 128 + n when signal n ended it, as a shell says. */
  readonly exitCode: number;
  readonly endedBy: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From just before its start until its exit was seen. */
  readonly wallMs: number;
  /** Peak of it and all that it started (see MemoryWatch). */
  readonly peakRssBytes: number;
}

/** Output beyond this is dropped at its beginning: a child that never stops talking cannot fill our memory. */
const keptCharacters = 64 * 1024 * 1024;
const setpriv = '/usr/bin/setpriv';
const signalNumbers: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

/** Process groups to kill when this process ends while they still run. */
const alive = new Set<number>();
process.on('exit', () => alive.forEach((pid) => killGroup(pid, 'SIGKILL')));

/**
 * A real process in a process group of its own, with its output captured. Whoever starts it must await `finished`
 * or dispose it; whatever is left when this process ends is killed.
 */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #watch: MemoryWatch | undefined;
  readonly #startedMs = performance.now();
  readonly finished: Promise<Finished>;
  /** Resolves at its first byte on standard output; never when it says nothing. */
  readonly firstOutput: Promise<void>;
  #stdout = '';
  #stderr = '';
  #ended = false;

  constructor(command: readonly [string, ...string[]], options: ChildOptions) {
    const [file, ...args] = options.diesWithUs ? withParentDeathSignal(command) : command;
    this.#process = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...(options.signal && { signal: options.signal, killSignal: 'SIGTERM' }),
    });
    if (this.#process.pid !== undefined) {
      alive.add(this.#process.pid);
      this.#watch = new MemoryWatch(this.#process.pid);
    }
    this.firstOutput = new Promise((resolve) => this.#process.stdout?.once('data', () => resolve()));
    this.finished = this.#finish();
    this.finished.catch(() => undefined); // whoever awaits it still gets the error
    this.#feed(options.input);
  }

  /** @throws Error when it could not be started */
  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the process did not start');
    return this.#process.pid;
  }

  /** Everything it wrote so far. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return !this.#ended;
  }

  /** Peak memory up to now, of it and all that it started. */
  get peakRssBytes(): number {
    return this.#watch?.peakBytes ?? 0;
  }

  /** Signals the process alone. Nothing happens when it has ended. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.running) this.#process.kill(signal);
  }

  /** The first line of its standard output that matches. @throws Error with what it said when it ends or is too late */
  async line(pattern: RegExp, { timeoutMs = 30_000 } = {}): Promise<RegExpExecArray> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const match = this.#stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => pattern.exec(line))
        .find(Boolean);
      if (match) return match;
      if (!this.running) throw new Error(`ended before it said ${String(pattern)}\n${this.#said()}`);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`did not say ${String(pattern)} in ${timeoutMs} ms\n${this.#said()}`);
      await this.#news(leftMs);
    }
  }

  /** Asks it to end (SIGTERM) and, if it does not within `graceMs`, kills it with all that it started. */
  async stop({ graceMs = 15_000 } = {}): Promise<Finished> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => killGroup(this.pid, 'SIGKILL'), graceMs);
    try {
      return await this.finished;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running && this.#process.pid !== undefined) await this.stop({ graceMs: 3000 });
    this.#watch?.[Symbol.dispose]();
  }

  async #finish(): Promise<Finished> {
    const { stdout, stderr } = this.#process;
    stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout = keepTail(this.#stdout + text)));
    stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = keepTail(this.#stderr + text)));
    let wallMs = 0;
    this.#process.once('exit', () => {
      wallMs = performance.now() - this.#startedMs;
      this.#ended = true;
    });
    const { code, endedBy } = await this.#closed();
    return {
      exitCode: code ?? 128 + (signalNumbers[endedBy ?? 'SIGTERM'] ?? 0),
      endedBy,
      stdout: this.#stdout,
      stderr: this.#stderr,
      wallMs,
      peakRssBytes: this.#watch?.peakBytes ?? 0,
    };
  }

  async #closed(): Promise<{ code: number | null; endedBy: NodeJS.Signals | null }> {
    try {
      return await new Promise((resolve, reject) => {
        this.#process.once('close', (code, endedBy) => resolve({ code, endedBy }));
        // An abort is reported here too, but the process still ends by itself and closes.
        this.#process.on('error', (error) => (this.#process.pid === undefined ? reject(error) : undefined));
      });
    } finally {
      this.#ended = true;
      this.#watch?.[Symbol.dispose]();
      if (this.#process.pid !== undefined) alive.delete(this.#process.pid);
    }
  }

  #feed(input: string | Uint8Array | undefined): void {
    this.#process.stdin?.on('error', () => undefined); // it may end without reading
    this.#process.stdin?.end(input);
  }

  /** Resolves at the next output, at its end, or after `leftMs`. */
  async #news(leftMs: number): Promise<void> {
    const { stdout } = this.#process;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, leftMs);
      const child = this.#process;
      function done(): void {
        clearTimeout(timer);
        stdout?.off('data', done);
        child.off('close', done);
        resolve();
      }
      stdout?.once('data', done);
      child.once('close', done);
    });
  }

  #said(): string {
    return `${this.#stdout}${this.#stderr}`.slice(-4000);
  }
}

/** Runs a program to its end. @throws Error when it cannot be started */
export async function runProgram(command: readonly [string, ...string[]], options: ChildOptions): Promise<Finished> {
  await using child = new Child(command, options);
  return await child.finished;
}

function withParentDeathSignal(command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  return existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', ...command] : command;
}

function keepTail(text: string): string {
  return text.length <= keptCharacters ? text : text.slice(-keptCharacters);
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ended in the meantime
  }
}
