import type { TLSSocket } from 'node:tls';
import { CofferError, type Clock } from '@coffer/core';

/** Received bytes that wait for the reader before the socket is paused; a few TLS records keep it busy. */
const readAheadBytes = 256 * 1024;
/** One write to the socket: progress is seen by the piece, so a slow but living peer is not taken for a dead one. */
const pieceBytes = 512 * 1024;
/** RFC 8446 §7.5: binds a login to this very connection. */
const exporterLabel = 'EXPORTER-coffer-auth';

export interface TlsTransportOptions {
  /** A peer that takes nothing for this long is closed. */
  readonly stalledMs: number;
}

/**
 * A TLS connection as the protocol wants it. Reading stops when the reader falls behind, writing waits for the peer;
 * both end when the connection does. Owns the socket.
 */
export class TlsTransport {
  readonly exporter: Uint8Array;
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  readonly #options: TlsTransportOptions;
  readonly #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #ended = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(socket: TLSSocket, deps: { readonly clock: Clock }, options: TlsTransportOptions) {
    this.#socket = socket;
    this.#clock = deps.clock;
    this.#options = options;
    this.exporter = new Uint8Array(socket.exportKeyingMaterial(32, exporterLabel, Buffer.alloc(0)));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.setNoDelay(true);
    this.#listen();
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  /** In the order called. Resolves once the socket's buffer has room again. @throws UNREACHABLE when the connection is closed */
  write(parts: readonly Uint8Array[]): Promise<void> {
    const written = this.#lastWrite.then(() => this.#send(parts));
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  /** Sends what is written, says goodbye, and waits until the peer has closed too or `stalledMs` have passed. */
  async close(): Promise<void> {
    await this.#lastWrite;
    if (!this.#socket.destroyed) this.#socket.end();
    // Whatever still comes is nobody's; unread bytes would keep `close` from ever being emitted.
    this.#socket.resume();
    await this.#closedWithin(this.#options.stalledMs);
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const end = (): void => {
      this.#ended = true;
      this.#wakeReader?.();
    };
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#socket.on('end', end);
    this.#socket.on('close', () => {
      end();
      this.#wakeWriter?.();
    });
    this.#socket.on('drain', () => this.#wakeWriter?.());
    // Resets and TLS alerts end the connection like any other close, which follows.
    this.#socket.on('error', () => undefined);
  }

  #take(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#receivedBytes += bytes.byteLength;
    if (this.#receivedBytes >= readAheadBytes) this.#socket.pause();
    this.#wakeReader?.();
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = this.#received.shift();
      if (bytes === undefined) {
        if (this.#ended) return;
        await this.#moreToRead();
        continue;
      }
      this.#receivedBytes -= bytes.byteLength;
      if (this.#receivedBytes < readAheadBytes / 2 && this.#socket.isPaused()) this.#socket.resume();
      yield bytes;
    }
  }

  async #moreToRead(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
    this.#wakeReader = undefined;
  }

  async #send(parts: readonly Uint8Array[]): Promise<void> {
    for (const group of groupParts(parts)) {
      this.#checkOpen();
      this.#socket.cork();
      for (const part of group) this.#socket.write(part);
      this.#socket.uncork();
      if (this.#socket.writableNeedDrain) await this.#drained();
    }
    this.#checkOpen();
  }

  async #drained(): Promise<void> {
    const done = new AbortController();
    const drained = new Promise<void>((resolve) => {
      this.#wakeWriter = resolve;
    });
    this.#clock.sleep(this.#options.stalledMs, done.signal).then(
      () => this.destroy(),
      () => undefined,
    );
    await drained;
    this.#wakeWriter = undefined;
    done.abort();
  }

  async #closedWithin(ms: number): Promise<void> {
    const done = new AbortController();
    await Promise.race([this.closed, this.#clock.sleep(ms, done.signal).catch(() => undefined)]);
    done.abort();
  }

  #checkOpen(): void {
    if (this.#socket.destroyed || this.#socket.writableEnded)
      throw new CofferError('UNREACHABLE', 'the connection is closed');
  }
}

/** Cuts what is to be written into groups of about {@link pieceBytes}: small parts travel together, large ones alone. */
function* groupParts(parts: readonly Uint8Array[]): Generator<readonly Uint8Array[], void, undefined> {
  let group: Uint8Array[] = [];
  let groupBytes = 0;
  for (const part of parts) {
    for (let offset = 0; offset < part.byteLength; offset += pieceBytes) {
      const piece = part.subarray(offset, offset + pieceBytes);
      if (groupBytes + piece.byteLength > pieceBytes && groupBytes > 0) {
        yield group;
        [group, groupBytes] = [[], 0];
      }
      group.push(piece);
      groupBytes += piece.byteLength;
    }
  }
  if (group.length > 0) yield group;
}
