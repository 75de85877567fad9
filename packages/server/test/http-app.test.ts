import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger, systemClock } from '@coffer/core';
import { writeTestCertificates } from '@coffer/server/testing';
import { HttpApp, type Readiness } from '../src/http/http-app.ts';
import { Listener } from '../src/net/listener.ts';
import { loadTlsCredentials } from '../src/net/tls-credentials.ts';
import { tempFolder } from './support/temp-folder.ts';

let state: Readiness;
let stack: AsyncDisposableStack;
let listener: Listener;

beforeEach(async () => {
  state = { ready: true };
  stack = new AsyncDisposableStack();
  const folder = await tempFolder();
  await writeTestCertificates(folder);
  const http = stack.use(new HttpApp({ clock: systemClock, readiness: () => state }, { connectionMs: 300 }));
  const credentials = await loadTlsCredentials(folder, systemClock);
  const limits = { maxConnections: 10, maxPerAddress: 10, handshakeMs: 5000 };
  const deps = {
    clock: systemClock,
    logger: silentLogger,
    onCoffer: () => undefined,
    onHttp: (socket: Parameters<HttpApp['serve']>[0]) => http.serve(socket),
  };
  listener = stack.use(await Listener.open({ host: '127.0.0.1', port: 0, credentials, limits }, deps));
});

afterEach(() => stack.disposeAsync());

async function get(
  path: string,
): Promise<{ status: number | undefined; body: unknown; headers: Record<string, unknown> }> {
  const asked = request({
    host: '127.0.0.1',
    port: listener.port,
    path,
    rejectUnauthorized: false,
    agent: false,
  }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += String(part);
  return { status: response.statusCode, body: JSON.parse(text), headers: response.headers };
}

describe('HTTPS on the protocol port', () => {
  test('/health is alive, /ready tells whether writes are taken', async () => {
    expect(await get('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await get('/ready')).toMatchObject({ status: 200, body: { ready: true } });
    state = { ready: false, reason: 'NO_SPACE' };
    expect(await get('/ready')).toMatchObject({ status: 503, body: { ready: false, reason: 'NO_SPACE' } });
  });

  test('anything else is not found, and nothing may be framed or cached', async () => {
    const { status, headers } = await get('/../etc/passwd');
    expect(status).toBe(404);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['cache-control']).toBe('no-store');
  });

  test('a connection that asks nothing, or never ends asking, is closed by its deadline', async () => {
    const sockets = Array.from({ length: 2 }, () =>
      connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false })
        .on('error', () => undefined)
        .resume(),
    );
    for (const socket of sockets) if (!socket.authorized) await once(socket, 'secureConnect');
    sockets[1]?.write('GET /health HTTP/1.1\r\nX-Slow: ');
    const drip = setInterval(() => sockets[1]?.write('x'), 20);
    for (const socket of sockets) if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drip);
    for (let tries = 0; tries < 100 && listener.connections > 0; tries += 1) await systemClock.sleep(10);
    expect(listener.connections).toBe(0);
  });
});
