import { CofferError, isCofferError, type Clock } from '@coffer/core';
import type { BufferAccount } from './buffer-budget.ts';
import { FrameDecoder, type FrameSizes } from './frame-decoder.ts';
import { FrameKind } from './frame-kind.ts';
import { FrameProgress } from './frame-progress.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Frame } from './frame.ts';
import { KeepAlive } from './keep-alive.ts';
import type { ProtocolLimits } from './limits.ts';
import type { Transport } from './transport.ts';
import { violation } from './violation.ts';
import { watchDeadlines, type Deadline } from './watchdog.ts';
import { encodeWireError, toWireError } from './wire-error.ts';

export interface ChannelDeps {
  readonly clock: Clock;
  readonly limits: ProtocolLimits;
  /** Closed by the channel at its end. */
  readonly account: BufferAccount;
  readonly sizes: FrameSizes;
  /** Gets every frame but PONG, in order. When it returns a promise nothing more is read until it resolves. A violation is thrown. */
  readonly onFrame: (frame: Frame) => void | Promise<void>;
  /** Called once, when no more frames come and none can be sent. */
  readonly onEnded: (reason: CofferError) => void;
  /** Names a failure of our own in the log; the peer learns only the id. */
  readonly incident: (error: unknown) => string;
  /** Whether a PING may be sent after a long silence. */
  readonly mayPing: () => boolean;
  /** Watched beside the channel's own. */
  readonly deadlines?: readonly Deadline[];
}

/**
 * Frames over a transport, with everything that is the same on both sides: whole frames in order, back-pressure,
 * deadlines, PING and PONG, and an orderly end. Owns the transport.
 */
export class FrameChannel {
  readonly writer: FrameWriter;
  readonly keepAlive: KeepAlive;
  readonly #transport: Transport;
  readonly #deps: ChannelDeps;
  readonly #decoder: FrameDecoder;
  readonly #progress: FrameProgress;
  readonly #stop = new AbortController();
  readonly #finished = Promise.withResolvers<void>();
  #receivedBytes = 0;
  #pausedSinceMs: number | undefined;
  #pausedHeldBytes = 0;
  #ended: CofferError | undefined;

  constructor(transport: Transport, deps: ChannelDeps) {
    const { clock, limits } = deps;
    this.#transport = transport;
    this.#deps = deps;
    this.#decoder = new FrameDecoder(deps.sizes);
    this.#progress = new FrameProgress(limits);
    this.writer = new FrameWriter(transport, {
      clock,
      pieceBytes: limits.writePieceBytes,
      onLost: (error) => this.abandon(error),
    });
    this.keepAlive = new KeepAlive(this.#keepAliveLink(), { limits, nowMs: clock.monotonicMs() });
  }

  /** Reads and watches until the end. Call once, when the owner is ready for frames. */
  start(): void {
    void this.#read();
    void watchDeadlines([...this.#ownDeadlines(), ...(this.#deps.deadlines ?? [])], {
      clock: this.#deps.clock,
      watchMs: this.#deps.limits.watchMs,
      signal: this.#stop.signal,
    });
  }

  /** Why it ended, or `undefined` while it lives. */
  get ended(): CofferError | undefined {
    return this.#ended;
  }

  /** Resolves when the transport is gone. */
  get closed(): Promise<void> {
    return this.#finished.promise;
  }

  /** For frames that begin from now on. */
  set sizes(sizes: FrameSizes) {
    this.#decoder.sizes = sizes;
  }

  /** Ends the connection for `error`, which the peer is told if it still listens. Calls after the first do nothing. */
  fail(error: CofferError, stream = 0): void {
    if (this.#ended !== undefined) return;
    const { message } = toWireError(error, () => this.#deps.incident(error));
    const told = this.writer.control(
      { kind: FrameKind.error, op: 0, stream },
      encodeWireError(message, this.#deps.limits.strangerFrameBytes),
    );
    void this.#end(error, told);
  }

  /** Sends what was written, then ends; nothing more is received. Bounded in time. */
  async close(reason: CofferError): Promise<void> {
    if (this.#ended === undefined) void this.#end(reason);
    await this.closed;
  }

  /** Cuts the connection off: the peer takes nothing, so an ERROR would never reach it. */
  abandon(error: CofferError): void {
    this.#transport.destroy();
    this.#lost(error);
  }

  async #end(reason: CofferError, lastWords?: Promise<void>): Promise<void> {
    this.#ended = reason;
    this.#stop.abort(reason);
    this.#deps.account.close();
    this.#deps.onEnded(reason);
    const enough = new AbortController();
    const { clock, limits } = this.#deps;
    const tooLate = clock.sleep(limits.closeMs, enough.signal).catch(() => undefined);
    await Promise.race([this.#endTransport(lastWords), tooLate]);
    enough.abort();
    this.#transport.destroy();
    this.writer.fail(reason);
    this.#finished.resolve();
  }

  async #endTransport(lastWords: Promise<void> | undefined): Promise<void> {
    try {
      await lastWords;
      await this.#transport.close();
    } catch {
      // It is gone already, which is all that was wanted.
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.#transport.incoming) {
        if (this.#ended !== undefined) return;
        await this.#take(bytes);
        if (!this.#deps.account.mayRead()) await this.#paused(this.#deps.account.room());
      }
      this.#lost();
    } catch (error) {
      if (isCofferError(error, 'UNREACHABLE')) this.#lost(error);
      else this.fail(isCofferError(error) ? error : internal(error));
    }
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#decoder.feed(bytes);
    this.#receivedBytes += bytes.byteLength;
    let completed = false;
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
      if (!completed) this.#deps.account.partialBytes = 0;
      completed = true;
      const busy = this.#receive(frame);
      if (busy !== undefined) await this.#paused(busy);
      if (this.#ended !== undefined) return;
    }
    this.#deps.account.partialBytes = this.#decoder.heldBytes;
    this.#heard(completed);
  }

  #heard(completed: boolean): void {
    const atMs = this.#deps.clock.monotonicMs();
    this.keepAlive.heard(atMs);
    const { midFrame } = this.#decoder;
    this.#progress.received({ atMs, receivedBytes: this.#receivedBytes }, { midFrame, completed });
  }

  #receive(frame: Frame): void | Promise<void> {
    const { kind, stream, payload } = frame;
    if (kind === FrameKind.ping || kind === FrameKind.pong) {
      if (stream !== 0) throw violation('PING and PONG belong to no stream');
      if (kind === FrameKind.pong) return this.keepAlive.receivedPong(payload);
      this.keepAlive.receivedPing(payload);
    }
    return this.#deps.onFrame(frame);
  }

  /** While we do not read, the peer's silence is ours. */
  async #paused(until: Promise<void>): Promise<void> {
    this.#progress.paused();
    this.#pausedSinceMs = this.#deps.clock.monotonicMs();
    this.#pausedHeldBytes = this.#deps.account.heldBytes;
    await until;
    this.#pausedSinceMs = undefined;
    this.#heard(true);
  }

  #lost(error = unreachable('the connection was closed by the other side')): void {
    if (this.#ended === undefined) void this.#end(error);
  }

  #keepAliveLink() {
    const connection = { op: 0, stream: 0 } as const;
    return {
      ping: (payload: Uint8Array) => {
        this.writer.control({ kind: FrameKind.ping, ...connection }, payload).catch(() => undefined);
      },
      pong: (payload: Uint8Array) => this.writer.control({ kind: FrameKind.pong, ...connection }, payload),
    };
  }

  #ownDeadlines(): readonly Deadline[] {
    const { limits } = this.#deps;
    const late = (message: string) => () => this.fail(new CofferError('TIMEOUT', message));
    return [
      { dueMs: () => this.#progress.dueMs, act: late('a frame took too long') },
      {
        dueMs: () => after(this.writer.writingSinceMs, limits.writeStallMs),
        act: () => this.abandon(unreachable('the peer does not read')),
      },
      {
        dueMs: () => this.#unlessPaused(this.#deps.mayPing() ? this.keepAlive.pingDueMs : undefined),
        act: () => this.keepAlive.ping(this.#deps.clock.monotonicMs()),
      },
      {
        dueMs: () => this.#unlessPaused(this.#deadDueMs),
        act: () => this.abandon(unreachable('the peer does not answer')),
      },
      { dueMs: () => after(this.#pausedSinceMs, limits.handlerStallMs), act: () => this.#stalled() },
    ];
  }

  /** A PING may wait long behind what is being sent, and so does its answer. */
  get #deadDueMs(): number {
    return Math.max(this.keepAlive.deadDueMs, this.writer.lastBulkMs + this.#deps.limits.deadAfterMs);
  }

  #unlessPaused(dueMs: number | undefined): number | undefined {
    return this.#pausedSinceMs === undefined ? dueMs : undefined;
  }

  /** Paused for long: fine as long as something was taken meanwhile. */
  #stalled(): void {
    const { heldBytes } = this.#deps.account;
    if (heldBytes >= this.#pausedHeldBytes) return this.fail(new CofferError('TIMEOUT', 'nothing takes what is sent'));
    this.#pausedHeldBytes = heldBytes;
    this.#pausedSinceMs = this.#deps.clock.monotonicMs();
  }
}

function after(sinceMs: number | undefined, ms: number): number | undefined {
  return sinceMs === undefined ? undefined : sinceMs + ms;
}

function unreachable(message: string): CofferError {
  return new CofferError('UNREACHABLE', message);
}

function internal(cause: unknown): CofferError {
  return new CofferError('INTERNAL', 'the connection failed', { cause });
}
