import { CofferError, Semaphore, type Clock } from '@coffer/core';
import { negotiated } from './auth-transcript.ts';
import { BufferBudget, type BufferAccount } from './buffer-budget.ts';
import { ClientStream } from './client-stream.ts';
import { pumpData, type DataSource } from './data-pump.ts';
import { FrameChannel } from './frame-channel.ts';
import { FrameKind, frameKindName } from './frame-kind.ts';
import type { Frame } from './frame.ts';
import type { Phase } from './legal-order.ts';
import { protocolLimits, type ProtocolLimits } from './limits.ts';
import { decodeMessage, encodeMessage, GoAwayMessage } from './messages.ts';
import {
  eventByCode,
  eventOf,
  operationOf,
  type OperationName,
  type RequestOf,
  type ResponseOf,
  type SendsData,
  type ServerEvent,
} from './operations/table.ts';
import { SessionState } from './session-state.ts';
import type { Transport } from './transport.ts';
import { violation } from './violation.ts';
import type { Deadline } from './watchdog.ts';
import { fromWireError } from './wire-error.ts';

export interface ClientConnectionOptions {
  readonly clock: Clock;
  readonly limits?: ProtocolLimits;
  /** Must return at once: nothing is read meanwhile. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** The server takes no new requests; those open are finished. */
  readonly onGoAway?: (message: GoAwayMessage) => void;
  /** Send a PING now and then, so that the server keeps an idle session: agents. */
  readonly keepAlive?: boolean;
}

export interface RequestOptions {
  /** The DATA of operations that send some, one payload a frame. Always ended. A payload stays untouched until the one after next is asked for, and the last ones until the request resolves or rejects. */
  readonly data?: DataSource;
  /** Until the last byte of the answer. */
  readonly signal?: AbortSignal;
}

export interface Answer<Op extends OperationName> {
  readonly response: ResponseOf<Op>;
  /**
   * The DATA of the answer, one payload a frame; empty for operations without. Read it to its end, or leave the loop, which
   * cancels the rest: while it is not read the whole connection waits. Throws what the server says, UNREACHABLE, PROTOCOL.
   */
  readonly data: AsyncIterable<Uint8Array>;
}

/** A request with DATA cannot leave it out. */
type OptionsOf<Op extends OperationName> = Op extends SendsData
  ? [options: RequestOptions & { readonly data: DataSource }]
  : [options?: Omit<RequestOptions, 'data'>];

/** The client's side of one connection. Owns the transport. */
export class ClientConnection implements AsyncDisposable {
  /** What logins and device proofs are bound to, with {@link negotiated}. */
  readonly exporter: Uint8Array;
  readonly #options: ClientConnectionOptions;
  readonly #limits: ProtocolLimits;
  readonly #channel: FrameChannel;
  readonly #account: BufferAccount;
  readonly #slots: Semaphore;
  readonly #session: SessionState;
  readonly #streams = new Map<number, ClientStream>();
  #lastStream = -1;
  #helloRequest: Uint8Array | undefined;
  #negotiated: Uint8Array | undefined;
  #goAway: GoAwayMessage | undefined;

  /** Starts to read at once; the first request must be `session.hello`. */
  static open(transport: Transport, options: ClientConnectionOptions): ClientConnection {
    const connection = new ClientConnection(transport, options);
    connection.#channel.start();
    return connection;
  }

  private constructor(transport: Transport, options: ClientConnectionOptions) {
    const { clock, limits = protocolLimits } = options;
    this.exporter = transport.exporter;
    this.#options = options;
    this.#limits = limits;
    this.#session = new SessionState(limits);
    this.#slots = new Semaphore(limits.streams);
    this.#account = new BufferBudget({ clock }, limits).account();
    this.#channel = new FrameChannel(transport, {
      clock,
      limits,
      account: this.#account,
      sizes: this.#session.sizes,
      onFrame: (frame) => this.#receive(frame),
      onEnded: (reason) => this.#ended(reason),
      incident: () => 'client',
      // The server asks an idle client; a PING of ours would keep a session that nobody uses.
      mayPing: () => options.keepAlive === true || this.#streams.size > 0,
      deadlines: options.keepAlive === true ? [this.#keepAlive()] : [],
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

  /** Why no more requests are taken: the connection ended, or the server asked to go; `undefined` while it is of use. */
  get failure(): CofferError | undefined {
    return this.#channel.ended ?? (this.#goAway === undefined ? undefined : leaving(this.#goAway));
  }

  /** Resolves, never rejects, when the connection is gone. */
  get closed(): Promise<void> {
    return this.#channel.closed;
  }

  /**
   * Sends a request, and its DATA when it has some, and resolves with the answer; waits while 64 are in flight.
   * @throws what the server answered; INVALID when the message does not fit the operation; UNREACHABLE when the
   * connection is lost; SHUTTING_DOWN after GOAWAY; PROTOCOL when the server breaks the protocol; the signal's reason;
   * TypeError when the session is not so far
   */
  async request<Op extends OperationName>(
    op: Op,
    message: RequestOf<Op>,
    ...[options = {}]: OptionsOf<Op>
  ): Promise<Answer<Op>> {
    const { signal, data } = options as RequestOptions;
    const payload = checkedMessage(op, message);
    const release = await this.#slot(signal);
    const stream = this.#open(op, payload, release);
    const cancel = (): void => this.#cancel(stream, signal?.reason);
    signal?.addEventListener('abort', cancel, { once: true });
    stream.onOver(() => signal?.removeEventListener('abort', cancel));
    if (signal?.aborted === true) cancel();
    if (data !== undefined) void this.#send(stream, data);
    return { response: await this.#responseOf(stream), data: stream.data };
  }

  /** Open requests fail with CANCELLED; what was written is sent, within `closeMs`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#channel.close(new CofferError('CANCELLED', 'the connection was closed'));
  }

  async #slot(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
    // The end of the connection frees every slot, so nobody waits here beyond it.
    const release = await this.#slots.acquire(1, signal);
    if (this.failure === undefined) return release;
    release();
    throw this.failure;
  }

  #open(op: OperationName, payload: Uint8Array, release: () => void): ClientStream {
    const problem = this.#whyNot(op);
    if (problem !== undefined) {
      release();
      throw problem;
    }
    this.#lastStream += 2;
    const stream: ClientStream = new ClientStream({
      number: this.#lastStream,
      op,
      account: this.#account,
      onAbandoned: () => this.#cancel(stream, new CofferError('CANCELLED', 'nobody reads the answer')),
    });
    this.#streams.set(stream.number, stream);
    stream.onOver(release);
    if (op === 'session.hello') this.#helloRequest = payload;
    const header = { kind: FrameKind.request, op: operationOf(op).code, stream: stream.number } as const;
    // A failed write ends the connection, and that ends every stream.
    this.#channel.writer.control(header, payload).catch(() => undefined);
    return stream;
  }

  #whyNot(op: OperationName): Error | undefined {
    if (!this.#session.mayRequest(op))
      return new TypeError(`${op} is not for a session that is ${this.#session.phase}`);
    if (this.#lastStream < lastStreamNumber) return undefined;
    return leaving({ reason: 'all stream numbers are used', reconnectAfterMs: 0 });
  }

  async #responseOf<Op extends OperationName>(stream: ClientStream): Promise<ResponseOf<Op>> {
    try {
      return (await stream.response) as ResponseOf<Op>;
    } catch (error) {
      // Whoever owns the payloads may use their memory for something else as soon as we throw.
      this.#channel.writer.drop(stream.number, error);
      await this.#untouched(stream);
      throw error;
    }
  }

  /** Half a frame that the network does not take is not waited for: the connection is given up for it. */
  async #untouched(stream: ClientStream): Promise<void> {
    if (stream.isUntouched) return;
    const enough = new AbortController();
    const tooLate = this.#options.clock.sleep(this.#limits.closeMs, enough.signal).then(
      () => this.#channel.abandon(new CofferError('UNREACHABLE', 'the server does not take what is sent')),
      () => undefined,
    );
    await stream.untouched();
    enough.abort();
    await tooLate;
  }

  async #send(stream: ClientStream, data: DataSource): Promise<void> {
    const { requestData: shape } = operationOf(stream.op);
    if (shape === undefined) throw new TypeError(`${stream.op} sends no DATA`);
    const { writer } = this.#channel;
    const onEnd = (): void => stream.sendingEnds();
    const onWrite = (written: Promise<void>): void => void stream.writes(written);
    try {
      await pumpData(data, { writer, stream: stream.number, shape, signal: stream.uploadSignal, onEnd, onWrite });
    } catch (error) {
      this.#cancel(stream, error);
    }
  }

  /** Nobody wants the stream any more; nothing happens when it is over. */
  #cancel(stream: ClientStream, reason: unknown): void {
    if (!this.#forget(stream)) return;
    const header = { kind: FrameKind.cancel, op: 0, stream: stream.number } as const;
    this.#channel.writer.control(header, nothing).catch(() => undefined);
    if (!this.#session.known) this.#session.failed(stream.op);
    stream.abort(reason);
  }

  #forget(stream: ClientStream): boolean {
    if (!this.#streams.delete(stream.number)) return false;
    stream.over();
    this.#closeWhenIdle();
    return true;
  }

  #receive(frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.response:
      case FrameKind.data:
      case FrameKind.end:
        return this.#ofStream(frame);
      case FrameKind.error:
        return frame.stream === 0 ? this.#reported(fromWireError(frame.payload)) : this.#ofStream(frame);
      case FrameKind.event:
        return this.#event(frame);
      case FrameKind.goAway:
        return this.#leave(frame);
      case FrameKind.ping:
      case FrameKind.pong:
        return;
      case FrameKind.request:
      case FrameKind.cancel:
        throw violation(`a server sends no ${frameKindName(frame.kind)}`);
    }
  }

  #ofStream(frame: Frame): void {
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return this.#checkOpened(frame.stream);
    if (frame.kind === FrameKind.response) this.#answered(stream, frame.payload);
    else if (frame.kind === FrameKind.data) stream.received(frame.payload);
    else if (frame.kind === FrameKind.end) this.#completed(stream, frame.payload);
    else this.#refused(stream, frame.payload);
  }

  /** What comes for a stream that is over is discarded: it was on its way when we cancelled. */
  #checkOpened(number: number): void {
    if (number % 2 === 0 || number > this.#lastStream) throw violation('a frame of a stream that was never opened');
  }

  #answered(stream: ClientStream, payload: Uint8Array): void {
    const complete = stream.answered(payload);
    if (stream.op === 'session.hello') this.#negotiated = negotiated(this.#helloRequest ?? nothing, payload);
    this.#session.succeeded(stream.op);
    this.#channel.sizes = this.#session.sizes;
    if (complete) this.#forget(stream);
  }

  #completed(stream: ClientStream, payload: Uint8Array): void {
    stream.completed(payload);
    this.#forget(stream);
  }

  #refused(stream: ClientStream, payload: Uint8Array): void {
    const error = fromWireError(payload);
    this.#session.failed(stream.op);
    this.#forget(stream);
    stream.refused(error);
  }

  #event({ op, stream, payload }: Frame): void {
    const name = eventByCode(op);
    if (stream !== 0 || name === undefined || this.#session.phase !== 'proved') throw violation('an unexpected EVENT');
    const message = decodeMessage(eventOf(name).message, payload);
    this.#options.onEvent?.({ name, message } as ServerEvent);
  }

  #leave({ stream, payload }: Frame): void {
    if (stream !== 0) throw violation('GOAWAY belongs to no stream');
    if (this.#goAway !== undefined) throw violation('a second GOAWAY');
    this.#goAway = decodeMessage(GoAwayMessage, payload);
    this.#options.onGoAway?.(this.#goAway);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#goAway !== undefined && this.#streams.size === 0) void this.#channel.close(leaving(this.#goAway));
  }

  /** The server ended the connection and said why: that is what every open request gets. */
  #reported(error: CofferError): void {
    void this.#channel.close(error);
  }

  #ended(reason: CofferError): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) {
      stream.over();
      stream.abort(reason);
    }
  }

  #keepAlive(): Deadline {
    const { clock } = this.#options;
    return {
      dueMs: () =>
        Math.max(this.#channel.writer.lastWrittenMs, this.#channel.keepAlive.pingedMs) + this.#limits.pingAfterMs,
      act: () => this.#channel.keepAlive.ping(clock.monotonicMs()),
    };
  }
}

/** Stream numbers are u32, ours are odd. */
const lastStreamNumber = 2 ** 32 - 1;

const nothing = new Uint8Array(0);

/** Checked before it is sent: the server would end the connection. */
function checkedMessage<Op extends OperationName>(op: Op, message: RequestOf<Op>): Uint8Array {
  const parsed = operationOf(op).request.safeParse(message);
  if (parsed.success) return encodeMessage(parsed.data);
  const [issue] = parsed.error.issues;
  throw new CofferError('INVALID', `${op}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`);
}

function leaving({ reason, reconnectAfterMs }: GoAwayMessage): CofferError {
  return new CofferError('SHUTTING_DOWN', `the server takes no new requests (${reason})`, {
    details: { reconnectAfterMs },
  });
}
