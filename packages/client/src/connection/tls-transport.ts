import type { TLSSocket } from 'node:tls';
import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Transport } from '@coffer/protocol';

/** Received bytes that wait for their reader before the socket is paused: a few reads of the kernel's buffer. */
const readAheadBytes = 1024 * 1024;
/** How long a goodbye may take. */
const closeMs = 2000;
/** RFC 8446 §7.5: binds what is proved to this very connection. */
const exporterLabel = 'EXPORTER-coffer-auth';

/** A TLS socket as the protocol wants it; both directions have back-pressure. Owns the socket. */
export class TlsTransport implements Transport {
  readonly exporter: Uint8Array;
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #clock: Clock;
  readonly #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #isEnded = false;
  #failure: Error | undefined;
  #wakeReader: (() => void) | undefined;
  readonly #writes = new Set<(error: CofferError) => void>();

  constructor(socket: TLSSocket, { clock }: { readonly clock: Clock }) {
    this.#socket = socket;
    this.#clock = clock;
    this.exporter = new Uint8Array(socket.exportKeyingMaterial(32, exporterLabel, Buffer.alloc(0)));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
    socket.setNoDelay(true);
    this.#listen();
  }

  get incoming(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next(), return: () => this.#abandon() }) };
  }

  /** Resolves once the kernel has it: until then the socket may read the parts, which sealed buffers that come back would change. */
  write(parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed || this.#socket.writableEnded) return reject(this.#closedError());
      this.#writes.add(reject);
      const done = (error?: Error | null): void => {
        this.#writes.delete(reject);
        if (error) reject(this.#closedError());
        else resolve();
      };
      this.#socket.cork();
      for (const [index, part] of parts.entries())
        this.#socket.write(part, index === parts.length - 1 ? done : undefined);
      this.#socket.uncork();
    });
  }

  async close(): Promise<void> {
    const done = new AbortController();
    if (!this.#socket.destroyed) this.#socket.end();
    // Unread bytes would keep the socket from ever closing.
    this.#socket.resume();
    await Promise.race([this.closed, this.#clock.sleep(closeMs, done.signal).catch(() => undefined)]);
    done.abort();
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#socket.on('end', () => this.#end());
    this.#socket.on('error', (error) => {
      this.#failure ??= error;
    });
    this.#socket.on('close', () => {
      this.#end();
      for (const reject of this.#writes) reject(this.#closedError());
      this.#writes.clear();
    });
  }

  #take(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#receivedBytes += bytes.byteLength;
    if (this.#receivedBytes >= readAheadBytes) this.#socket.pause();
    this.#wakeReader?.();
  }

  #end(): void {
    this.#isEnded = true;
    this.#wakeReader?.();
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#received.length === 0 && !this.#isEnded) await this.#moreToRead();
    const value = this.#received.shift();
    if (value === undefined) return { done: true, value: undefined };
    this.#receivedBytes -= value.byteLength;
    if (this.#receivedBytes < readAheadBytes / 2 && this.#socket.isPaused()) this.#socket.resume();
    return { done: false, value };
  }

  #abandon(): Promise<IteratorResult<Uint8Array, undefined>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  async #moreToRead(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
    this.#wakeReader = undefined;
  }

  #closedError(): CofferError {
    return new CofferError('UNREACHABLE', 'the connection to the server is closed', { cause: this.#failure });
  }
}
