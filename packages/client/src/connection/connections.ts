import { backoffMs, CofferError, isCofferError, minuteMs, secondMs } from '@coffer/core';
import type { Clock, Random } from '@coffer/core';
import type { ClientConnection, ServerEvent } from '@coffer/protocol';
import { LimitedTransport } from '../bandwidth/limited-transport.ts';
import type { Buckets } from '../bandwidth/limited-transport.ts';
import type { Address, Dial } from './dial.ts';
import { greet, proveDevice } from './session.ts';
import type { DeviceIdentity, Greeted, Hello, Proved } from './session.ts';

export interface ConnectionsDeps {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly address: Address;
  readonly pin: Uint8Array;
  readonly who: DeviceIdentity;
  /** Judges what the server says of itself; throws to refuse it. */
  readonly onHello: (hello: Hello) => void;
  readonly onProved: (proved: Proved) => void;
  /** Before a proved connection is used: the last word on whether this server is the one it was. */
  readonly onGreeted?: (greeted: Greeted, signal: AbortSignal) => Promise<void>;
  readonly onEvent: (event: ServerEvent) => void;
  /** A control connection was made, the first or a later one. */
  readonly onControl?: () => void;
  /** Hold bulk connections to these; requests and events are never held back. */
  readonly bandwidth?: Buckets;
  /** Keep the control connection when nothing is asked for a long time, so that events come. */
  readonly keepAlive?: boolean;
}

/** One for requests and events, one for chunks up, one for chunks down: none delays the others (PROTOCOL §Session). */
export type ConnectionUse = 'control' | 'upload' | 'download';

/** Waits between tries. */
const backoff = { firstMs: 200, maxMs: 10_000 } as const;
/** A server that is away for longer than this is given up. */
const giveUpMs = 2 * minuteMs;
/** Work that went on for this long before it failed was progress. */
const progressMs = 3 * secondMs;

/**
 * The connections of one logged-in device: made when first used, made again when they break. {@link run} is the one place that
 * retries. A first connection that fails is told at once.
 */
export class Connections implements AsyncDisposable {
  readonly #deps: ConnectionsDeps;
  readonly #open = new Map<ConnectionUse, Promise<ClientConnection>>();
  readonly #ended = new AbortController();
  #wasConnected = false;

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
  }

  /**
   * Runs `work` on a proved connection, again when the network or the server's patience failed: `work` must be safe to repeat.
   * @throws what the work throws; UNREACHABLE when the server stays away
   */
  async run<Result>(
    use: ConnectionUse,
    work: (connection: ClientConnection) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const stop = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal]);
    const patience = new Patience(this.#deps.clock);
    for (;;) {
      stop.throwIfAborted();
      try {
        const connection = await this.#connection(use, stop);
        patience.begin();
        return await work(connection);
      } catch (error) {
        stop.throwIfAborted();
        if (!isTransient(error) || !this.#wasConnected || patience.isOver()) throw error;
        await this.#deps.clock.sleep(backoffMs(patience.failures - 1, backoff, this.#deps.random), stop);
      }
    }
  }

  /** One try on a proved connection, for those who have their own way of trying again. @throws what the work throws; UNREACHABLE */
  async attempt<Result>(
    use: ConnectionUse,
    work: (connection: ClientConnection) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const stop = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal]);
    stop.throwIfAborted();
    return work(await this.#connection(use, stop));
  }

  /**
   * One try on a connection of its own, which `logIn` proves the password on before the device is: what only the password allows.
   * @throws what either throws; UNREACHABLE
   */
  async behindPassword<Result>(
    logIn: (greeted: Greeted) => Promise<void>,
    work: (connection: ClientConnection) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const stop = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal]);
    stop.throwIfAborted();
    await using connection = await this.#connect('control', stop, logIn);
    return await work(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new CofferError('CANCELLED', 'the connection was closed'));
    const open = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    const live = open.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(live.map((connection) => connection[Symbol.asyncDispose]()));
  }

  async #connection(use: ConnectionUse, signal: AbortSignal): Promise<ClientConnection> {
    const known = this.#open.get(use);
    if (known !== undefined) {
      const connection = await unlessAborted(known, signal);
      if (connection.failure === undefined) return connection;
      if (this.#open.get(use) === known) this.#open.delete(use);
    }
    // Another caller may have made a new one while this one waited.
    return unlessAborted(this.#open.get(use) ?? this.#make(use), signal);
  }

  /** For everybody who needs it: one caller that gives up does not take it from the others. */
  #make(use: ConnectionUse): Promise<ClientConnection> {
    const made = this.#connect(use, this.#ended.signal);
    this.#open.set(use, made);
    made.catch(() => {
      if (this.#open.get(use) === made) this.#open.delete(use);
    });
    return made;
  }

  async #connect(
    use: ConnectionUse,
    signal: AbortSignal,
    logIn?: (greeted: Greeted) => Promise<void>,
  ): Promise<ClientConnection> {
    const { dial, clock, address, pin, who, onEvent, bandwidth } = this.#deps;
    const dialled = await dial(address, { kind: 'pin', pin }, signal);
    const isControl = use === 'control';
    const transport =
      isControl || bandwidth === undefined ? dialled.transport : new LimitedTransport(dialled.transport, bandwidth);
    const keepAlive = isControl && this.#deps.keepAlive === true;
    const role = isControl ? 'control' : 'bulk';
    const greeted = await greet({ transport, role, clock, onEvent, keepAlive }, signal);
    try {
      this.#deps.onHello(greeted.hello);
      await logIn?.(greeted);
      this.#deps.onProved(await proveDevice(greeted, who, signal));
      await this.#deps.onGreeted?.(greeted, signal);
      this.#wasConnected = true;
      if (isControl && logIn === undefined) this.#deps.onControl?.();
      return greeted.connection;
    } catch (error) {
      await greeted.connection[Symbol.asyncDispose]();
      throw error;
    }
  }
}

/** What passes by itself: the line broke, the server restarts or is busy. Full disks and conflicts do not. */
function isTransient(error: unknown): boolean {
  return isCofferError(error, 'UNREACHABLE', 'TIMEOUT', 'SHUTTING_DOWN', 'BUSY');
}

/** How long failures are put up with: some seconds of work in between count as a new beginning, a failure at once does not. */
class Patience {
  readonly #clock: Clock;
  #failingSinceMs: number | undefined;
  #begunMs: number | undefined;
  failures = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Work begins on a connection. */
  begin(): void {
    this.#begunMs = this.#clock.monotonicMs();
  }

  /** Counts one more failure. True when there were failures for too long. */
  isOver(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const workedMs = this.#begunMs === undefined ? 0 : nowMs - this.#begunMs;
    this.#begunMs = undefined;
    if (workedMs >= progressMs) {
      this.#failingSinceMs = undefined;
      this.failures = 0;
    }
    this.failures += 1;
    this.#failingSinceMs ??= nowMs;
    return nowMs - this.#failingSinceMs > giveUpMs;
  }
}

async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
