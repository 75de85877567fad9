import type { TLSSocket } from 'node:tls';
import { CofferError } from '@coffer/core';
import type { Transport } from '@coffer/protocol';

/** Received bytes that wait for the reader before the socket is paused; a few TLS records keep it busy. */
const readAheadBytes = 256 * 1024;
/** RFC 8446 §7.5: binds a login to this very connection. */
const exporterLabel = 'EXPORTER-coffer-auth';

/**
 * A TLS connection as the protocol wants it. Reading stops when the reader falls behind, a write resolves when the
 * kernel took it; both end when the connection does. Owns the socket. Deadlines are the protocol's.
 */
export class TlsTransport implements Transport {
  readonly exporter: Uint8Array;
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #received: Uint8Array[] = [];
  readonly #writes = new Set<(error: CofferError) => void>();
  #receivedBytes = 0;
  #ended = false;
  #wakeReader: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.exporter = new Uint8Array(socket.exportKeyingMaterial(32, exporterLabel, Buffer.alloc(0)));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    this.#listen();
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  /** In the order called. Resolves once the kernel has it, so the parts may change. @throws UNREACHABLE when the connection is closed */
  write(parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed || this.#socket.writableEnded) return reject(closedError());
      this.#writes.add(reject);
      const done = (error?: Error | null): void => {
        this.#writes.delete(reject);
        if (error) reject(closedError(error));
        else resolve();
      };
      this.#socket.cork();
      for (const [index, part] of parts.entries())
        this.#socket.write(part, index === parts.length - 1 ? done : undefined);
      this.#socket.uncork();
    });
  }

  /** Sends what is written, says goodbye, and waits until the connection is gone. */
  async close(): Promise<void> {
    if (!this.#socket.destroyed) this.#socket.end();
    // Whatever still comes is nobody's; unread bytes would keep `close` from ever being emitted.
    this.#socket.resume();
    await this.closed;
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
      for (const reject of this.#writes) reject(closedError());
      this.#writes.clear();
    });
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
}

function closedError(cause?: Error): CofferError {
  return new CofferError('UNREACHABLE', 'the connection is closed', cause === undefined ? {} : { cause });
}
