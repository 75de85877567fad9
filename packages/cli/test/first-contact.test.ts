import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock, toHex } from '@coffer/core';
import { encodeInvite } from '@coffer/protocol';
import { issueCertificates, serverPin } from '../src/provision/certificates.ts';
import { runProgram } from '../src/program.ts';
import type { Streams } from '../src/output.ts';

let home: string;
let fingerprint: string;
let server: ReturnType<typeof createServer>;
let said = 0;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-first-contact-'));
  await issueCertificates({ folder: home, hosts: ['127.0.0.1'], clock: systemClock });
  fingerprint = toHex(await serverPin(home));
  writeFileSync(join(home, 'password'), 'correct horse battery\n');
  const [cert, key] = ['server.pem', 'server.key'].map((name) => readFileSync(join(home, name)));
  server = createServer({ cert, key, ALPNProtocols: ['coffer/1'], minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      said += bytes.byteLength;
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(home, { recursive: true, force: true });
});

interface Told {
  readonly stderr: string;
  /** The server heard something. */
  readonly said: boolean;
}

/** Signs in at a server that nobody has seen before; `answer` is what a person at a terminal types. */
function login(flags: readonly string[], answer?: string): Promise<Told> {
  const env = { COFFER_PASSWORD_FILE: join(home, 'password') };
  return run([`alice@127.0.0.1:${port()}`, ...flags], { env, ...(answer !== undefined && { answer }) });
}

async function run(args: readonly string[], given: { env?: Record<string, string>; answer?: string }): Promise<Told> {
  said = 0;
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  if (given.answer !== undefined) Object.assign(streams.stdin, { isTTY: true, setRawMode: () => undefined });
  streams.stdin.end(given.answer ?? '');
  await runProgram({
    argv: ['login', ...args],
    env: { COFFER_HOME: home, ...given.env },
    cwd: home,
    dataFolder: home,
    streams: streams as unknown as Streams,
    signal: new AbortController().signal,
    onSignal: () => ({ [Symbol.dispose]: () => undefined }),
  });
  streams.stderr.end();
  return { stderr: Buffer.concat(await streams.stderr.toArray()).toString('utf8'), said: said > 0 };
}

function port(): number {
  return (server.address() as AddressInfo).port;
}

test('an invite cannot turn round what the question for the password says', async () => {
  const pin = new Uint8Array(32);
  const invite = encodeInvite({ v: 1, host: '127.0.0.1', port: port(), pin, username: 'alice\u202e moc.evil' });
  const { stderr, said: spoke } = await run([invite], { answer: 'correct horse battery\r' });
  expect(stderr).toContain('Password of alice\\u{202e} moc.evil at');
  expect(stderr).not.toContain('\u202e');
  expect(stderr).toContain('another key');
  expect(spoke).toBe(false);
});

describe('a server that was never seen', () => {
  test('is not told anything without consent, and --yes is none', async () => {
    for (const flags of [[], ['--yes'], ['--yes', '--json']]) {
      const { stderr, said: spoke } = await login(flags);
      expect(stderr).toMatch(/not accepted/);
      expect(spoke).toBe(false);
    }
  });

  test.each([[[]], [['--json']], [['--quiet']], [['--yes']]])(
    'is shown by its key before it is asked about (%j)',
    async (flags) => {
      const { stderr, said: spoke } = await login(flags, 'n\n');
      expect(stderr).toContain(fingerprint);
      expect(stderr.indexOf(fingerprint)).toBeLessThan(stderr.indexOf('[y/N]'));
      expect(spoke).toBe(false);
    },
  );

  test('is trusted by who says so', async () => {
    expect((await login([], 'y\n')).said).toBe(true);
    expect((await login(['--trust-first-use'])).said).toBe(true);
  });
});
