import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { cofferCommand } from './coffer.ts';
import { cleanEnvironment } from './environment.ts';

export interface AtTerminalOptions {
  readonly cols?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How long somebody looks at a screen before giving up. */
const patienceMs = 30_000;

/** What a program draws by itself comes at longer intervals. */
const quietMs = 400;
/** What belongs to a key is written within that. */
const answerMs = 40;

/** A person at a real terminal: what is typed goes through a PTY, what is seen comes from a screen. */
export class AtTerminal implements AsyncDisposable {
  readonly #screen: xterm.Terminal;
  readonly #process: ReturnType<typeof spawn>;
  #lastMs = 0;
  readonly exitCode: Promise<number>;
  /** Everything that was ever written. */
  seen = '';

  /** Starts `coffer ARGS --home HOME`. */
  constructor(args: readonly string[], home: string, options: AtTerminalOptions = {}) {
    const { cols = 100, rows = 30, env = {}, cwd } = options;
    const [program, ...rest] = cofferCommand([...args, '--home', home]);
    this.#screen = new xterm.Terminal({ cols, rows, allowProposedApi: true });
    this.#process = spawn(program, rest, {
      cols,
      rows,
      ...(cwd !== undefined && { cwd }),
      env: { ...cleanEnvironment(home), TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', ...env },
    });
    this.#process.onData((data) => {
      this.seen += data;
      this.#lastMs = performance.now();
      this.#screen.write(data);
    });
    this.exitCode = new Promise((resolve) => this.#process.onExit(({ exitCode }) => resolve(exitCode)));
  }

  get pid(): number {
    return this.#process.pid;
  }

  type(text: string): void {
    this.#process.write(text);
  }

  /** As a terminal sends what was pasted to a program that asked for it. */
  paste(text: string): void {
    this.type(`\u001b[200~${text}\u001b[201~`);
  }

  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#process.resize(cols, rows);
  }

  /** Waits until it was written once. @throws Error with what was written instead */
  async reads(pattern: RegExp): Promise<void> {
    await waitFor(() => pattern.test(this.seen), `never seen: ${pattern.source}\n${this.seen}`);
  }

  /** Waits until the screen shows it. @throws Error with the screen */
  async shows(pattern: RegExp): Promise<void> {
    await this.#untilScreen((text) => pattern.test(text), `never on the screen: ${pattern.source}`);
  }

  /** Waits until the screen does not show it any more. @throws Error with the screen */
  async hides(pattern: RegExp): Promise<void> {
    await this.#untilScreen((text) => !pattern.test(text), `still on the screen: ${pattern.source}`);
  }

  /** Waits until it was written, looking as often as it can: for measurements. */
  async writes(pattern: RegExp): Promise<void> {
    const until = Date.now() + patienceMs;
    while (!pattern.test(this.seen)) {
      if (Date.now() > until) throw new Error(`never written: ${pattern.source}`);
      await new Promise(setImmediate);
    }
  }

  /** Waits until nothing was written for a while. */
  async settles(): Promise<void> {
    for (let before = -1; before !== this.seen.length;) {
      before = this.seen.length;
      await new Promise((resolve) => setTimeout(resolve, quietMs));
    }
  }

  /** Presses a key: milliseconds until the last byte of what it drew, and the bytes. Presses nothing else meanwhile. */
  async measureKey(key: string): Promise<{ readonly ms: number; readonly bytes: number }> {
    const before = this.seen.length;
    const started = performance.now();
    this.#lastMs = started;
    this.type(key);
    while (this.seen.length === before) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    const answer = { ms: this.#lastMs - started, bytes: Buffer.byteLength(this.seen.slice(before)) };
    await this.settles();
    return answer;
  }

  /** The rows of the screen in sight, spaces at their ends cut. */
  async rows(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    const buffer = this.#screen.buffer.active;
    return Array.from(
      { length: this.#screen.rows },
      (_, row) => buffer.getLine(buffer.viewportY + row)?.translateToString(true) ?? '',
    );
  }

  /** The lines of the whole buffer that hold something. */
  async screen(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    const buffer = this.#screen.buffer.active;
    return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? '').filter(
      (line) => line !== '',
    );
  }

  /** Where the terminal's cursor stands, and which of the two screens is in sight. */
  async cursor(): Promise<{ readonly x: number; readonly y: number; readonly screen: 'normal' | 'alternate' }> {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    const { cursorX, cursorY, type } = this.#screen.buffer.active;
    return { x: cursorX, y: cursorY, screen: type };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exitCode;
    this.#screen.dispose();
  }

  async #untilScreen(isThere: (text: string) => boolean, problem: string): Promise<void> {
    let text = '';
    const look = async (): Promise<boolean> => {
      text = (await this.rows()).join('\n');
      return isThere(text);
    };
    await waitFor(look, () => `${problem}\n${text}`);
  }
}

async function waitFor(isThere: () => boolean | Promise<boolean>, problem: string | (() => string)): Promise<void> {
  const until = Date.now() + patienceMs;
  while (!(await isThere())) {
    if (Date.now() > until) throw new Error(typeof problem === 'string' ? problem : problem());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
