import { createServer, type Server } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { Clock } from '@coffer/core';
import { Hono } from 'hono';

const maxHeaderBytes = 8 * 1024;

/** What `/ready` tells: whether the daemon can take writes, and why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly [fact: string]: string | number | boolean;
}

export interface HttpDeps {
  readonly clock: Clock;
  readonly readiness: () => Promise<Readiness> | Readiness;
}

export interface HttpOptions {
  /** From the end of the handshake to the end of the answer; a monitor needs milliseconds. */
  readonly connectionMs: number;
}

/** HTTPS on the port of the protocol (PROTOCOL §HTTPS on the same port). Never listens itself: sockets are handed to it. */
export class HttpApp implements AsyncDisposable {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #connectionMs: number;
  readonly #sockets = new Set<TLSSocket>();

  constructor(deps: HttpDeps, options: HttpOptions) {
    this.#connectionMs = options.connectionMs;
    this.#clock = deps.clock;
    const listener = getRequestListener(createApp(deps).fetch);
    this.#server = createServer({ maxHeaderSize: maxHeaderBytes, keepAlive: false }, (request, response) => {
      void listener(request, response);
    });
  }

  /** Takes over the socket. */
  serve(socket: TLSSocket): void {
    this.#sockets.add(socket);
    const done = new AbortController();
    socket.once('close', () => {
      this.#sockets.delete(socket);
      done.abort();
    });
    // A server that does not listen checks no deadlines of its own.
    this.#clock.sleep(this.#connectionMs, done.signal).then(
      () => socket.destroy(),
      () => undefined,
    );
    this.#server.emit('connection', socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function createApp({ readiness }: HttpDeps): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header('Cache-Control', 'no-store');
    context.header('Connection', 'close');
    context.header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
    context.header('X-Content-Type-Options', 'nosniff');
  });
  app.get('/health', (context) => context.json({ status: 'ok' }));
  app.get('/ready', async (context) => {
    const state = await readiness();
    return context.json(state, state.ready ? 200 : 503);
  });
  app.notFound((context) => context.json({ error: { code: 'NOT_FOUND', message: 'nothing here' } }, 404));
  app.onError((_error, context) => context.json({ error: { code: 'INTERNAL', message: 'unexpected failure' } }, 500));
  return app;
}
