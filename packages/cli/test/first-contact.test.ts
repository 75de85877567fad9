import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock, toHex } from '@coffer/core';
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

/** Signs in at a server that nobody has seen before; `answer` is what a person at a terminal types. */
async function login(
  flags: readonly string[],
  answer?: string,
): Promise<{ readonly stderr: string; readonly said: boolean }> {
  said = 0;
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  if (answer !== undefined) Object.assign(streams.stdin, { isTTY: true });
  streams.stdin.end(answer ?? '');
  const { port } = server.address() as AddressInfo;
  await runProgram({
    argv: ['login', `alice@127.0.0.1:${port}`, ...flags],
    env: { COFFER_HOME: home, COFFER_PASSWORD_FILE: join(home, 'password') },
    cwd: home,
    dataFolder: home,
    streams: streams as unknown as Streams,
    signal: new AbortController().signal,
  });
  return { stderr: String(streams.stderr.read() ?? ''), said: said > 0 };
}

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
