import { CofferError, isCofferError, Semaphore, toHex, type Clock, type Logger, type Random } from '@coffer/core';
import { negotiated } from './auth-transcript.ts';
import { BufferBudget, type BufferAccount } from './buffer-budget.ts';
import { pumpData, type DataSource } from './data-pump.ts';
import { FrameChannel } from './frame-channel.ts';
import { FrameKind, frameKindName } from './frame-kind.ts';
import type { Frame, FrameHeader } from './frame.ts';
import type { Call, Handlers } from './handlers.ts';
import { isStep, type Phase } from './legal-order.ts';
import { protocolLimits, type ProtocolLimits } from './limits.ts';
import { decodeMessage, encodeMessage, type GoAwayMessage } from './messages.ts';
import type { Operation } from './operations/operation.ts';
import {
  eventOf,
  operationByCode,
  operationOf,
  type EventName,
  type EventOf,
  type OperationName,
} from './operations/table.ts';
import { ServerStream } from './server-stream.ts';
import { SessionDeadlines } from './session-deadlines.ts';
import { SessionState } from './session-state.ts';
import type { Transport } from './transport.ts';
import { violation } from './violation.ts';
import { encodeWireError, fromWireError, toWireError } from './wire-error.ts';

export interface ServerConnectionOptions<Context> {
  readonly handlers: Handlers<Context>;
  /** Given to every handler of this connection; what a handler learns about the peer is kept there. */
  readonly context: Context;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: ProtocolLimits;
  /** Shared by all connections of the server. */
  readonly budget?: BufferBudget;
  /** Asked before every handler: roles in vaults, rates. Throws what the client shall get. */
  readonly authorize?: (op: OperationName, request: unknown, call: Call<Context>) => void | Promise<void>;
}

/** The handler's types, once the table was used to find it. */
type AnyHandler<Context> = (request: unknown, call: Call<Context>) => Promise<unknown>;

/** The server's side of one connection: checks order and limits, runs handlers, answers. Owns the transport. */
export class ServerConnection<Context> implements AsyncDisposable {
  /** What logins and device proofs are bound to, with {@link negotiated}. */
  readonly exporter: Uint8Array;
  readonly #options: ServerConnectionOptions<Context>;
  readonly #limits: ProtocolLimits;
  readonly #channel: FrameChannel;
  readonly #account: BufferAccount;
  readonly #gate: Semaphore;
  readonly #deadlines: SessionDeadlines;
  readonly #session: SessionState;
  readonly #streams = new Map<number, ServerStream>();
  readonly #wakeReader: (() => void)[] = [];
  #running = 0;
  #lastStream = 0;
  #negotiated: Uint8Array | undefined;
  #leaving: GoAwayMessage | undefined;

  /** Starts to read at once. */
  static serve<Context>(transport: Transport, options: ServerConnectionOptions<Context>): ServerConnection<Context> {
    const connection = new ServerConnection(transport, options);
    connection.#channel.start();
    return connection;
  }

  private constructor(transport: Transport, options: ServerConnectionOptions<Context>) {
    const { clock, limits = protocolLimits, budget = new BufferBudget({ clock }, limits) } = options;
    this.#options = options;
    this.#limits = limits;
    this.exporter = transport.exporter;
    this.#session = new SessionState(limits);
    this.#account = budget.account();
    this.#gate = new Semaphore(limits.outgoingFrames);
    this.#deadlines = new SessionDeadlines({ clock, limits });
    this.#channel = new FrameChannel(transport, {
      clock,
      limits,
      account: this.#account,
      sizes: this.#session.sizes,
      onFrame: (frame) => this.#receive(frame),
      onEnded: (reason) => this.#ended(reason),
      incident: (error) => this.#incident(error),
      mayPing: () => true,
      deadlines: this.#deadlines.watched({
        busy: () => this.#running > 0,
        unproved: () => this.#channel.fail(new CofferError('TIMEOUT', 'no login within the time for it')),
        over: (reason) => this.#retire(reason),
      }),
    });
  }

  /** How far the session has come. */
  get phase(): Phase {
    return this.#session.phase;
  }

  /** Everything negotiated, for {@link authTranscript}. @throws TypeError before `session.hello` was answered */
  get negotiated(): Uint8Array {
    if (this.#negotiated === undefined) throw new TypeError('nothing is negotiated yet');
    return this.#negotiated;
  }

  /** Requests that are being worked on. */
  get busyStreams(): number {
    return this.#running;
  }

  /** Milliseconds since the client sent a REQUEST, DATA or PING. */
  get restedMs(): number {
    return this.#running > 0 ? 0 : this.#deadlines.restedMs;
  }

  /** Resolves, never rejects, when the connection is gone. */
  get closed(): Promise<void> {
    return this.#channel.closed;
  }

  /** Resolves when the transport took it. @throws UNREACHABLE, or what ended the connection */
  async sendEvent<Name extends EventName>(name: Name, message: EventOf<Name>): Promise<void> {
    const header = { kind: FrameKind.event, op: eventOf(name).code, stream: 0 };
    await this.#channel.writer.control(header, encodeMessage(message));
  }

  /** No new streams: those open are finished, then the connection ends. Resolves at its end. */
  async goAway(message: GoAwayMessage): Promise<void> {
    if (this.#leaving === undefined && this.#channel.ended === undefined) {
      this.#leaving = message;
      const header = { kind: FrameKind.goAway, op: 0, stream: 0 } as const;
      await this.#channel.writer.control(header, encodeMessage(message)).catch(() => undefined);
      this.#closeWhenIdle();
    }
    await this.closed;
  }

  /** Ends at once, telling the client why: a device was revoked, a password changed. */
  async terminate(reason: CofferError): Promise<void> {
    this.#channel.fail(reason);
    await this.closed;
  }

  /** Handlers are aborted; what was written is sent, within `closeMs`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close(new CofferError('SHUTTING_DOWN', 'the server ends the connection'));
  }

  #receive(frame: Frame): void | Promise<void> {
    switch (frame.kind) {
      case FrameKind.request:
        return this.#request(frame);
      case FrameKind.data:
      case FrameKind.end:
      case FrameKind.cancel:
        return this.#ofStream(frame);
      case FrameKind.ping:
        return this.#deadlines.active();
      case FrameKind.pong:
        return;
      case FrameKind.error:
        if (frame.stream !== 0) throw violation('a client answers nothing');
        return this.#reported(fromWireError(frame.payload));
      case FrameKind.response:
      case FrameKind.event:
      case FrameKind.goAway:
        throw violation(`a client sends no ${frameKindName(frame.kind)}`);
    }
  }

  #request(frame: Frame): void | Promise<void> {
    this.#deadlines.active();
    this.#checkStreamNumber(frame.stream);
    this.#lastStream = frame.stream;
    if (this.#streams.size >= this.#session.streams) throw violation('too many streams at a time');
    const op = operationByCode(frame.op);
    if (op === undefined && this.#session.phase === 'proved')
      return this.#refuse(frame.stream, unknownOperation(frame.op));
    if (this.#leaving !== undefined) return this.#refuse(frame.stream, leaving(this.#leaving));
    if (op === undefined || !this.#session.mayRequest(op) || this.#overlaps(op))
      return this.#outOfOrder(op, frame.stream);
    return this.#open(op, frame);
  }

  #overlaps(op: OperationName): boolean {
    return isStep(op) && this.#streams.values().some((stream) => isStep(stream.op));
  }

  #checkStreamNumber(stream: number): void {
    if (stream % 2 === 0) throw violation('streams of a client are odd');
    if (stream <= this.#lastStream) throw violation('a stream number was used before');
  }

  /** The client is told on the stream, then the connection ends: it will not go better on this one. */
  #outOfOrder(op: OperationName | undefined, stream: number): void {
    const known = op !== undefined && operationOf(op).access !== 'open';
    const error = known
      ? new CofferError('NOT_LOGGED_IN', 'this needs a session that is logged in')
      : violation('not the time for this request');
    this.#channel.fail(error, stream);
  }

  #open(op: OperationName, frame: Frame): void | Promise<void> {
    const operation = operationOf(op);
    let request: unknown;
    try {
      request = decodeMessage(operation.request, frame.payload);
    } catch (error) {
      if (isCofferError(error)) return this.#channel.fail(error, frame.stream);
      throw error;
    }
    const stream = new ServerStream({ number: frame.stream, op, operation, account: this.#account });
    this.#streams.set(frame.stream, stream);
    void this.#run(stream, request, frame.payload);
    if (this.#running >= this.#limits.runningHandlers) return new Promise((resolve) => this.#wakeReader.push(resolve));
  }

  #ofStream({ kind, stream: number, payload }: Frame): void {
    const stream = this.#streams.get(number);
    if (stream === undefined) return this.#checkOpened(number);
    this.#deadlines.active();
    if (kind === FrameKind.data) stream.received(payload);
    else if (kind === FrameKind.end) stream.completed(payload);
    else this.#cancel(stream, payload);
  }

  /** What comes for a stream that is over is discarded: it was on its way when we answered. */
  #checkOpened(number: number): void {
    if (number % 2 === 0 || number > this.#lastStream) throw violation('a frame of a stream that was never opened');
  }

  #cancel(stream: ServerStream, payload: Uint8Array): void {
    if (payload.byteLength !== 0) throw violation('a CANCEL carries nothing');
    const reason = new CofferError('CANCELLED', 'the client no longer wants it');
    this.#giveUp(stream);
    stream.abort(reason);
    this.#channel.writer.drop(stream.number, reason);
  }

  /** One REQUEST, from its message to the last frame of the answer. */
  async #run(stream: ServerStream, request: unknown, payload: Uint8Array): Promise<void> {
    this.#running += 1;
    this.#account.hold(payload.byteLength);
    try {
      const reply = await this.#handle(stream, request);
      await stream.rest();
      stream.signal.throwIfAborted();
      await this.#answer(stream, payload, reply);
    } catch (error) {
      await this.#failed(stream, error);
    } finally {
      this.#account.release(payload.byteLength);
      this.#streams.delete(stream.number);
      this.#running -= 1;
      this.#finishedOne();
    }
  }

  async #handle(stream: ServerStream, request: unknown): Promise<unknown> {
    const { handlers, context, authorize } = this.#options;
    const call = { context, connection: this, data: stream.data, signal: stream.signal };
    await authorize?.(stream.op, request, call);
    stream.signal.throwIfAborted();
    return (handlers[stream.op] as AnyHandler<Context>)(request, call);
  }

  async #answer(stream: ServerStream, requestPayload: Uint8Array, reply: unknown): Promise<void> {
    const { operation } = stream;
    const streams = operation.responseData !== undefined;
    const payload = encodeMessage(streams ? (reply as { response: unknown }).response : reply);
    if (payload.byteLength > this.#session.sizes.controlBytes) throw new RangeError(`${stream.op}: answer too large`);
    if (stream.op === 'session.hello') this.#negotiated = negotiated(requestPayload, payload);
    this.#session.succeeded(stream.op);
    this.#entered();
    // The client may use the place of this stream as soon as it has read the answer, before we know that it has.
    if (!streams) this.#streams.delete(stream.number);
    await this.#say({ kind: FrameKind.response, op: 0, stream: stream.number }, payload);
    if (streams) await this.#sendData(stream, operation, (reply as { data: DataSource }).data);
  }

  async #sendData(stream: ServerStream, operation: Operation, data: DataSource): Promise<void> {
    await pumpData(data, {
      writer: this.#channel.writer,
      stream: stream.number,
      shape: operation.responseData as NonNullable<Operation['responseData']>,
      gate: this.#gate,
      account: this.#account,
      signal: stream.signal,
      onEnd: () => this.#streams.delete(stream.number),
    });
  }

  async #failed(stream: ServerStream, error: unknown): Promise<void> {
    const wanted = this.#giveUp(stream);
    stream.abort(error);
    if (this.#channel.ended === undefined && wanted) await this.#refuse(stream.number, error);
  }

  /** False when the client has given up before. */
  #giveUp(stream: ServerStream): boolean {
    if (!this.#streams.delete(stream.number)) return false;
    this.#session.failed(stream.op);
    this.#entered();
    return true;
  }

  async #refuse(stream: number, error: unknown): Promise<void> {
    const { message } = toWireError(error, () => this.#incident(error));
    const header = { kind: FrameKind.error, op: 0, stream } as const;
    await this.#say(header, encodeWireError(message, this.#session.sizes.controlBytes)).catch(() => undefined);
  }

  /** What the client does not read counts as what it makes us hold: it is not read either, then. */
  async #say(header: FrameHeader, payload: Uint8Array): Promise<void> {
    this.#account.hold(payload.byteLength);
    try {
      await this.#channel.writer.control(header, payload);
    } finally {
      this.#account.release(payload.byteLength);
    }
  }

  #entered(): void {
    this.#channel.sizes = this.#session.sizes;
    this.#deadlines.entered(this.#session.phase);
  }

  #finishedOne(): void {
    this.#deadlines.active();
    if (this.#running < this.#limits.runningHandlers) this.#wakeReader.shift()?.();
    if (this.#session.phase === 'ended') void this[Symbol.asyncDispose]();
    else this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#leaving !== undefined && this.#running === 0) void this[Symbol.asyncDispose]();
  }

  #retire(reason: string): void {
    void this.goAway({ reason, reconnectAfterMs: 0 });
  }

  #reported(error: CofferError): void {
    this.#options.logger.info({ code: error.code }, 'the client reports a failure of the connection');
    void this[Symbol.asyncDispose]();
  }

  #ended(reason: CofferError): void {
    for (const stream of this.#streams.values()) stream.abort(reason);
    this.#streams.clear();
    for (const wake of this.#wakeReader.splice(0)) wake();
    if (reason.code === 'PROTOCOL') this.#options.logger.warn({ reason: reason.message }, 'protocol violation');
  }

  #incident(error: unknown): string {
    const incident = toHex(this.#options.random.bytes(8));
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.logger.error({ incident, reason }, 'a request failed inside the server');
    return incident;
  }
}

function unknownOperation(code: number): CofferError {
  return new CofferError('UPGRADE_REQUIRED', `this server does not know operation 0x${code.toString(16)}`);
}

function leaving({ reconnectAfterMs }: GoAwayMessage): CofferError {
  return new CofferError('SHUTTING_DOWN', 'the connection takes no new requests', { details: { reconnectAfterMs } });
}
