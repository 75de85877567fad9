import { expect, test } from '@jest/globals';
import { spawn } from '@lydell/node-pty';
import { Terminal } from '@xterm/headless';
import { makeTree, startVault } from '../src/index.ts';
import { cleanEnvironment, cofferCommand } from '../src/index.ts';

/** A person at a real terminal: what is typed goes through a PTY, what is seen comes from a screen. */
class Person implements AsyncDisposable {
  readonly #screen = new Terminal({ cols: 100, rows: 30, allowProposedApi: true });
  readonly #process: ReturnType<typeof spawn>;
  readonly exitCode: Promise<number>;
  seen = '';

  constructor(args: readonly string[], home: string) {
    const [program, ...rest] = cofferCommand([...args, '--home', home]);
    this.#process = spawn(program, rest, {
      cols: 100,
      rows: 30,
      env: { ...cleanEnvironment(home), TERM: 'xterm-256color' },
    });
    this.#process.onData((data) => {
      this.seen += data;
      this.#screen.write(data);
    });
    this.exitCode = new Promise((resolve) => this.#process.onExit(({ exitCode }) => resolve(exitCode)));
  }

  type(text: string): void {
    this.#process.write(text);
  }

  async reads(pattern: RegExp): Promise<void> {
    const until = Date.now() + 30_000;
    while (!pattern.test(this.seen)) {
      if (Date.now() > until) throw new Error(`never seen: ${pattern.source}\n${this.seen}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The lines of the screen that hold something. */
  async screen(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    const buffer = this.#screen.buffer.active;
    return Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? '').filter(
      (line) => line !== '',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exitCode;
    this.#screen.dispose();
  }
}

test('a password is asked for without being shown, corrected with backspace, and the next command asks again', async () => {
  await using vault = await startVault();
  const home = vault.folder.join('desk');
  const { invite, password } = vault.user;
  {
    await using person = new Person(['login', invite, '--device-name', 'desk'], home);
    await person.reads(/Password of user at 127\.0\.0\.1: /);
    person.type(`${password.slice(0, -1)}xy\u007f\u007f${password.slice(-1)}\r`);
    expect(await person.exitCode).toBe(0);
    expect(person.seen).not.toContain(password.slice(0, 6));
    expect((await person.screen()).at(-1)).toMatch(/^signed in as user at 127\.0\.0\.1:\d+; this device is "desk"$/);
  }
  {
    await using person = new Person(['ls', '/'], home);
    await person.reads(/Password: /);
    person.type('certainly wrong\r');
    expect(await person.exitCode).not.toBe(0);
    expect((await person.screen()).join('\n')).toMatch(/^error: /m);
  }
  {
    await using person = new Person(['whoami'], home);
    expect(await person.exitCode).toBe(0);
  }
});

test('Ctrl-C at the prompt ends with 130 and leaves the terminal as it was', async () => {
  await using vault = await startVault();
  const home = vault.folder.join('desk');
  await using person = new Person(['login', vault.user.invite], home);
  await person.reads(/Password of/);
  person.type('half a pass\u0003');
  expect(await person.exitCode).toBe(130);
});

test('a long upload draws one line of progress, and takes it away at the end', async () => {
  await using vault = await startVault();
  const source = vault.folder.join('source');
  makeTree({ target: source, files: 600, oddities: 'none' });
  await using person = new Person(['sync', source, '/s'], vault.user.device.home);
  expect(await person.exitCode).toBe(0);
  expect(person.seen).toMatch(/\d+\/\d+ files/);
  const shown = await person.screen();
  expect(shown).toHaveLength(2);
  expect(shown[0]).toBe('sent: 600');
});
