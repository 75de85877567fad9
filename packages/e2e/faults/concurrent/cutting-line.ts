import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** A line between a client and the daemon, whose connections can be made to break after so many bytes. */
export class CuttingLine implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #bytesLeft = Number.POSITIVE_INFINITY;
  /** Connections that were cut. */
  cuts = 0;

  private constructor(to: number) {
    this.#server = createServer((near) => this.#join(near, connect({ port: to, host: '127.0.0.1' })));
  }

  static async open(to: number): Promise<CuttingLine> {
    const line = new CuttingLine(to);
    line.#server.listen({ port: 0, host: '127.0.0.1' });
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the line is not open');
    return address.port;
  }

  /** From now on everything breaks once this many bytes have passed, in both directions together. */
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  mend(): void {
    this.#bytesLeft = Number.POSITIVE_INFINITY;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await once(this.#server, 'close');
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#open.delete(from);
        to.destroy();
      });
      from.on('data', (data: Buffer) => this.#pass(data, to));
      from.on('end', () => to.end());
    }
  }

  #pass(data: Buffer, to: Socket): void {
    const bytes = Math.min(data.byteLength, this.#bytesLeft);
    to.write(data.subarray(0, bytes));
    this.#bytesLeft -= data.byteLength;
    if (this.#bytesLeft > 0) return;
    this.#bytesLeft = 0;
    this.cuts += 1;
    for (const socket of this.#open) socket.destroy();
  }
}
