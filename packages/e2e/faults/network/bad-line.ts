import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** How a line fails: torn down, ended politely in the middle, or silent for ever while it looks open. */
export const failures = ['reset', 'FIN', 'black hole'] as const;
type Failure = (typeof failures)[number];

/** Between two portions of bytes that pass. */
const paceMs = 20;

export interface BadLineOptions {
  readonly to: number;
  /** From one failure to the next, at least. */
  readonly everyMs: number;
  /** It does not fail before so much has passed since the last time: on a busy machine nothing would ever get through. */
  readonly afterBytes: number;
  /** All connections together, each way: over a loopback all would be through between two failures. */
  readonly bytesPerSecond: number;
}

/** A line to the daemon of which, again and again, every open connection fails, in one way after the other. New ones work. */
export class BadLine implements AsyncDisposable {
  readonly #options: BadLineOptions;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #counts = new Map<Failure, number>();
  #next = 0;
  #passedBytes = 0;

  private constructor(options: BadLineOptions) {
    this.#options = options;
    this.#server = createServer((near) => this.#join(near));
  }

  static async open(options: BadLineOptions): Promise<BadLine> {
    const line = new BadLine(options);
    line.#server.listen({ port: 0, host: '127.0.0.1' });
    await once(line.#server, 'listening');
    line.#timers.push(setInterval(() => line.#refill(), paceMs));
    return line;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the line is not open');
    return address.port;
  }

  /** Connections that failed in this way. */
  failed(failure: Failure): number {
    return this.#counts.get(failure) ?? 0;
  }

  /** From now on it fails. */
  begin(): void {
    this.#timers.push(setInterval(() => this.#fail(), this.#options.everyMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#server.close();
    for (const pair of this.#pairs) pair.destroy();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const pair = new Pair(near, connect({ port: this.#options.to, host: '127.0.0.1' }));
    this.#pairs.add(pair);
    near.once('close', () => this.#pairs.delete(pair));
  }

  #refill(): void {
    const working = [...this.#pairs].filter(({ isDead }) => !isDead);
    const share = (this.#options.bytesPerSecond * paceMs) / 1000 / Math.max(1, working.length);
    for (const pair of working) this.#passedBytes += pair.allow(share);
  }

  #fail(): void {
    const failure = failures[this.#next % failures.length];
    const working = [...this.#pairs].filter(({ isDead }) => !isDead);
    if (failure === undefined || working.length === 0 || this.#passedBytes < this.#options.afterBytes) return;
    this.#next += 1;
    this.#passedBytes = 0;
    this.#counts.set(failure, this.failed(failure) + working.length);
    for (const pair of working) pair.fail(failure);
  }
}

/** A client's connection and the one to the daemon that stands for it. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  isDead = false;

  constructor(near: Socket, far: Socket) {
    this.#near = near;
    this.#far = far;
    this.#watch(near, far);
    this.#watch(far, near);
  }

  /** Lets about so many bytes pass each way; gives how many there were. */
  allow(bytes: number): number {
    return pass(this.#near, this.#far, bytes) + pass(this.#far, this.#near, bytes);
  }

  /** In a black hole nothing is read any more, and nobody is told. */
  fail(failure: Failure): void {
    this.isDead = true;
    for (const socket of [this.#near, this.#far]) {
      if (failure === 'reset') socket.resetAndDestroy();
      if (failure === 'FIN') socket.end();
    }
  }

  destroy(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  #watch(from: Socket, to: Socket): void {
    from.on('error', () => undefined);
    // Without it nothing arrives at all; it is read at the pace of the line.
    from.on('readable', () => undefined);
    from.on('end', () => (this.isDead ? undefined : to.end()));
    from.on('close', () => to.destroy());
  }
}

function pass(from: Socket, to: Socket, bytes: number): number {
  let passed = 0;
  while (passed < bytes) {
    const data = from.read() as Buffer | null;
    if (data === null) break;
    to.write(data);
    passed += data.byteLength;
  }
  return passed;
}
