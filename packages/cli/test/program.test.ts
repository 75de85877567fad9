import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import packageJson from '../package.json' with { type: 'json' };
import { runProgram } from '../src/program.ts';
import type { Streams } from '../src/output.ts';
import { version } from '../src/version.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-program-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command line in this process, on streams that are no terminal. */
async function coffer(
  argv: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  streams.stdin.end(options.input ?? '');
  const exitCode = await runProgram({
    argv,
    env: { COFFER_HOME: home, ...options.env },
    cwd: home,
    dataFolder: home,
    streams: streams as unknown as Streams,
    signal: new AbortController().signal,
    onSignal: () => ({ [Symbol.dispose]: () => undefined }),
  });
  const text = (stream: PassThrough): string => {
    let read = '';
    for (let part = stream.read() as Buffer | null; part !== null; part = stream.read() as Buffer | null)
      read += part.toString('utf8');
    return read;
  };
  return { exitCode, stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

describe('usage', () => {
  test('the version is the package’s', async () => {
    expect(version).toBe(packageJson.version);
    expect(await coffer(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each([
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['ls', '--frobnicate']],
    ['a missing argument', ['mv', '/a']],
    ['one argument too many', ['whoami', 'x']],
    ['a value out of range', ['serve', '--port', '70000']],
    ['a bad time', ['ls', '--at', 'soon']],
    ['a bad profile', ['whoami', '--profile', '../x']],
    ['a bad mode', ['sync', '.', '--mode', 'sideways']],
    ['a bad limit', ['sync', '.', '--max-file-size', 'huge']],
    ['no command', []],
    ['a group without its command', ['admin', 'user']],
  ])('%s is told on stderr and exits with 2', async (_what, argv) => {
    const { exitCode, stdout, stderr } = await coffer(argv);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^(error|usage): /);
    expect(exitCode).toBe(2);
  });

  test('help names every command and exits with 0', async () => {
    const { exitCode, stdout } = await coffer(['--help']);
    expect(exitCode).toBe(0);
    const commands =
      'serve admin login logout whoami status usage ls put get cat preview mkdir mv cp rm versions restore find du verify sync';
    for (const name of commands.split(' ')) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });

  test('errors are JSON when that was asked for, before or after the command', async () => {
    for (const argv of [
      ['--json', 'whoami'],
      ['whoami', '--json'],
    ]) {
      const { exitCode, stderr } = await coffer(argv);
      expect(exitCode).toBe(3);
      expect(JSON.parse(stderr)).toEqual({
        error: { code: 'NOT_LOGGED_IN', message: expect.any(String), hint: expect.any(String) },
      });
    }
  });

  test('global options count before and after the command', async () => {
    const other = join(home, 'other');
    for (const argv of [
      ['--home', other, 'whoami'],
      ['whoami', '--home', other],
    ]) {
      expect((await coffer(argv)).exitCode).toBe(3);
    }
    expect((await coffer(['--profile', '!', 'whoami', '--profile', 'good'])).exitCode).toBe(3);
  });
});

describe('passwords', () => {
  const login = ['login', 'alice@127.0.0.1:1', '--trust-first-use'];

  test('are never asked for where nobody can answer', async () => {
    const { exitCode, stderr } = await coffer(login);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('--password-stdin');
  });

  test('an empty one is refused before anything is dialled', async () => {
    expect((await coffer([...login, '--password-stdin'], { input: '\n' })).exitCode).toBe(2);
  });

  test('a file that is not there is named as such', async () => {
    const { exitCode, stderr } = await coffer(login, { env: { COFFER_PASSWORD_FILE: join(home, 'none') } });
    expect(exitCode).toBe(4);
    expect(stderr).toContain('COFFER_PASSWORD_FILE');
  });

  test('there is no option that takes one', async () => {
    expect((await coffer([...login, '--password', 'x'])).exitCode).toBe(2);
  });

  test('a server that is not there is unreachable', async () => {
    expect((await coffer([...login, '--password-stdin'], { input: 'correct horse battery\n' })).exitCode).toBe(8);
  });
});

describe('targets of login', () => {
  test.each([
    'alice',
    '@host',
    'alice@',
    'alice@host:0',
    'alice@host:99999',
    'a b@host',
    'alice@[::1',
    'coffer1-garbage',
  ])('"%s" is refused', async (target) => {
    expect((await coffer(['login', target, '--password-stdin'], { input: 'x\n' })).exitCode).toBe(2);
  });
});

describe('a server', () => {
  test('is not set up with a weak password, and nothing is left behind', async () => {
    const weak = await coffer(['admin', 'init', '--password-stdin'], { input: 'password1234\n' });
    expect(weak.exitCode).toBe(2);
    expect((await coffer(['admin', 'user', 'list', '--storage', 'server-storage'])).exitCode).toBe(4);
  });

  test('does not start where there is no storage', async () => {
    const { exitCode, stderr } = await coffer(['serve', '--port', '0', '--storage', join(home, 'none')]);
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toContain('hint: ');
  });

  test('a misspelt setting is named with its nearest neighbour', async () => {
    const { exitCode, stderr } = await coffer(['serve'], { env: { COFFER_LISTEN_PROT: '1' } });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('COFFER_LISTEN_PORT');
  });
});
