import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createTcpServer, connect as connectTcp } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';

export interface RelayOptions {
  readonly port: number;
  /** Port of the honest server. */
  readonly to: number;
}

/** Somebody in the middle who has stolen the server's key: ends TLS, and passes on every byte of the protocol. */
export async function openTlsRelay({
  port,
  to,
  certs,
}: RelayOptions & { readonly certs: string }): Promise<AsyncDisposable> {
  const pem = (name: string): Buffer => readFileSync(join(certs, name));
  const options = {
    key: pem('server.key'),
    cert: pem('server.pem'),
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['coffer/1'],
  } as const;
  return await opened(
    port,
    createTlsServer(options, (near) => {
      const far = connectTls({ port: to, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['coffer/1'] });
      join2(near, far);
    }),
  );
}

/** A line that is cut after so many bytes towards the client: once for each number, then it holds. */
export async function openCutLine({
  port,
  to,
  cuts,
}: RelayOptions & { readonly cuts: readonly number[] }): Promise<AsyncDisposable> {
  const left = [...cuts];
  return await opened(
    port,
    createTcpServer((near) => {
      const far = connectTcp({ port: to, host: '127.0.0.1' });
      let bytes = left.shift() ?? Number.POSITIVE_INFINITY;
      far.on('data', (data: Buffer) => {
        near.write(data.subarray(0, bytes));
        bytes -= data.byteLength;
        if (bytes <= 0) near.end();
      });
      near.pipe(far);
      endTogether(near, far);
    }),
  );
}

function join2(near: Socket, far: Socket): void {
  near.pipe(far).pipe(near);
  endTogether(near, far);
}

function endTogether(...sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.forEach((one) => one.destroySoon()));
  }
}

async function opened(port: number, server: Server): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen({ port, host: '127.0.0.1' });
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
