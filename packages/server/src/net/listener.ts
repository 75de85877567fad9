import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { CofferError, type Clock, type Logger } from '@coffer/core';
import { systemCode } from '../system-code.ts';
import { limitedAddress } from './address.ts';
import { ConnectionCounter } from './connection-counter.ts';
import type { TlsCredentials } from './tls-credentials.ts';

/** ALPN name of the binary protocol (PROTOCOL §Transport). */
const cofferProtocol = 'coffer/1';
const httpProtocol = 'http/1.1';
/** Connections the kernel holds before they are accepted. */
const backlog = 511;

export interface ListenerLimits {
  readonly maxConnections: number;
  readonly maxPerAddress: number;
  /** From accept to the end of the handshake, whatever arrives meanwhile. */
  readonly handshakeMs: number;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly credentials: TlsCredentials;
  readonly limits: ListenerLimits;
}

export interface ListenerDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Each takes over the socket; `address` is the peer's, as limits and logs use it. */
  readonly onCoffer: (socket: TLSSocket, address: string) => void;
  readonly onHttp: (socket: TLSSocket, address: string) => void;
}

/** One port, TLS 1.3 only, split by ALPN (PROTOCOL §Transport). */
export class Listener implements AsyncDisposable {
  readonly #deps: ListenerDeps;
  readonly #server: Server;
  readonly #counter = new ConnectionCounter();
  readonly #sockets = new Set<Socket>();
  /** Deadlines of handshakes under way, by the peer's address and port. */
  readonly #handshakes = new Map<string, AbortController>();
  #limits: ListenerLimits;

  /** @throws PORT_IN_USE, CONFIG when the address is not this machine's or the port is privileged */
  static async open(options: ListenerOptions, deps: ListenerDeps): Promise<Listener> {
    const listener = new Listener(options, deps);
    await listener.#listen(options);
    return listener;
  }

  private constructor(options: ListenerOptions, deps: ListenerDeps) {
    this.#deps = deps;
    this.#limits = options.limits;
    this.#server = createTlsServer(options);
    this.#server.on('connection', (socket: Socket) => this.#accept(socket));
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#secured(socket));
    // Node reports a failed or timed-out handshake here and leaves the socket open.
    this.#server.on('tlsClientError', (error, socket) => this.#handshakeFailed(error, socket));
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  }

  get connections(): number {
    return this.#counter.total;
  }

  /** Affects the connections made from now on. */
  reload(credentials: TlsCredentials, limits: ListenerLimits): void {
    this.#limits = limits;
    this.#server.setSecureContext(secureOptions(credentials));
  }

  /** No new connections; the ones there are go on. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Stops accepting and cuts every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#server.listening ? new Promise((resolve) => this.#server.once('close', resolve)) : undefined;
    this.stopAccepting();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #listen({ host, port }: ListenerOptions): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen({ host, port, backlog, exclusive: true }, () => resolve());
      });
    } catch (error) {
      throw listenError(error, host, port);
    }
    this.#server.removeAllListeners('error');
    // EMFILE and the like: the kernel keeps the connection waiting, the daemon goes on.
    this.#server.on('error', (error) =>
      this.#deps.logger.error({ reason: systemCode(error) }, 'accepting a connection failed'),
    );
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    // The peer is gone already.
    if (remoteAddress === undefined) return void socket.destroy();
    const address = limitedAddress(remoteAddress);
    if (
      this.#counter.total >= this.#limits.maxConnections ||
      this.#counter.countOf(address) >= this.#limits.maxPerAddress
    ) {
      this.#deps.logger.warn({ address, connections: this.#counter.total }, 'connection over a limit is closed');
      return void socket.destroy();
    }
    const leave = this.#counter.enter(address);
    const peer = `${remoteAddress} ${remotePort}`;
    this.#sockets.add(socket);
    this.#startHandshake(peer, socket);
    socket.once('close', () => {
      leave();
      this.#sockets.delete(socket);
      this.#endHandshake(peer);
    });
  }

  /** Absolute: Node's own `handshakeTimeout` starts again with every byte that a dripping peer sends. */
  #startHandshake(peer: string, socket: Socket): void {
    const done = new AbortController();
    this.#handshakes.set(peer, done);
    this.#deps.clock.sleep(this.#limits.handshakeMs, done.signal).then(
      () => socket.destroy(),
      () => undefined,
    );
  }

  #endHandshake(peer: string): void {
    this.#handshakes.get(peer)?.abort();
    this.#handshakes.delete(peer);
  }

  #secured(socket: TLSSocket): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined) return void socket.destroy();
    this.#endHandshake(`${remoteAddress} ${remotePort}`);
    const address = limitedAddress(remoteAddress);
    if (socket.alpnProtocol === cofferProtocol) this.#deps.onCoffer(socket, address);
    else this.#deps.onHttp(socket, address);
  }

  #handshakeFailed(error: Error, socket: TLSSocket): void {
    this.#deps.logger.debug({ reason: systemCode(error) }, 'handshake failed');
    socket.destroy();
  }
}

function createTlsServer({ credentials, limits }: ListenerOptions): Server {
  return createServer({
    ...secureOptions(credentials),
    ALPNProtocols: [cofferProtocol, httpProtocol],
    handshakeTimeout: limits.handshakeMs,
    allowHalfOpen: false,
    noDelay: true,
  });
}

/** Without tickets and without a session store nothing is ever resumed: a resumed session shows no peer certificate to pin. */
function secureOptions({ pem }: TlsCredentials) {
  return {
    cert: pem.chain,
    key: pem.key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  } as const;
}

function listenError(error: unknown, host: string, port: number): CofferError {
  const code = systemCode(error);
  if (code === 'EADDRINUSE') {
    return new CofferError('PORT_IN_USE', `port ${port} on ${host} is taken by another program`, {
      hint: 'Stop it, or choose another port with --port.',
      cause: error,
    });
  }
  return new CofferError('CONFIG', `cannot listen on ${host}, port ${port} (${code})`, {
    hint:
      code === 'EACCES'
        ? 'Ports below 1024 need privileges; choose another with --port.'
        : 'Check listen.host: it must be an address of this machine.',
    cause: error,
  });
}
