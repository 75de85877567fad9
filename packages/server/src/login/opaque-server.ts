import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { CofferError, idKey, lp, secondMs, startWorker, type AccountId, type ServerId } from '@coffer/core';
import {
  opaqueReady,
  type OpaqueAnswer,
  type OpaqueQuestion,
  type OpaqueReply,
  type OpaqueRequest,
  type OpaqueWorkerData,
} from './opaque-messages.ts';

/** Logins that wait for the worker; each takes about a millisecond there, so more means an attack. */
const maxPending = 256;
/** Starting the thread again takes a tenth of a second: too long for every login, not for the first after a pause. */
const restAfterMs = 30 * secondMs;

export interface OpaqueServerOptions {
  /** The server's long-term OPAQUE secret, as in the file `opaque-setup`. */
  readonly setup: string;
  readonly server: ServerId;
  /** The worker died; nobody can log in any more. */
  readonly onFatal?: (error: CofferError) => void;
  /** For tests: when an idle thread ends. */
  readonly restAfterMs?: number;
}

export interface LoginStart {
  /** Belongs to this one login; goes back into {@link OpaqueServer.finishLogin}. A secret. */
  readonly state: string;
  readonly response: Uint8Array;
}

type Answer<Kind extends OpaqueAnswer['kind']> = Extract<OpaqueAnswer, { kind: Kind }>;

interface Waiting {
  readonly resolve: (answer: OpaqueAnswer | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The server's half of OPAQUE (RFC 9807; CRYPTO §Login), in a worker thread so that a login never holds up the others'
 * bytes. The thread takes 20 MiB, so it ends when nobody has logged in for a while, and starts again when somebody does.
 */
export class OpaqueServer implements AsyncDisposable {
  readonly #options: OpaqueServerOptions;
  readonly #setup: Uint8Array;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #rest: NodeJS.Timeout | undefined;
  #nextId = 0;
  #failure: CofferError | undefined;

  /** A new long-term secret. Changing it makes every password record worthless. */
  static async createSetup(): Promise<string> {
    const { ready, server } = await import('@serenity-kit/opaque');
    await ready;
    return server.createSetup();
  }

  /** @throws CONFIG when `setup` is none */
  static async open(options: OpaqueServerOptions): Promise<OpaqueServer> {
    const opaque = new OpaqueServer(options);
    await opaque.#begin();
    return opaque;
  }

  private constructor(options: OpaqueServerOptions) {
    this.#options = options;
    this.#setup = Buffer.from(options.setup, 'base64url');
  }

  /** The id shown for a name that nobody has: always the same one, and as random as a real one (CRYPTO §Login). */
  decoyAccount(username: string): AccountId {
    const mac = createHmac('sha256', this.#setup).update(lp('coffer/1 decoy account', username)).digest();
    return new Uint8Array(mac.subarray(0, 16));
  }

  /** @throws INVALID on a malformed request */
  async registrationResponse(options: { account: AccountId; request: Uint8Array }): Promise<Uint8Array> {
    const question = { kind: 'register', account: idKey(options.account), request: toText(options.request) } as const;
    return toBytes((await this.#ask<'register'>(question)).response);
  }

  /**
   * Without a `record` the answer is the library's decoy: same size, same work, and no password fits it.
   * @throws INVALID on a malformed request, BUSY
   */
  async startLogin(options: {
    account: AccountId;
    record: Uint8Array | undefined;
    request: Uint8Array;
  }): Promise<LoginStart> {
    const record = options.record === undefined ? null : toText(options.record);
    const account = idKey(options.account);
    const { state, response } = await this.#ask<'start'>({
      kind: 'start',
      account,
      record,
      request: toText(options.request),
    });
    return { state, response: toBytes(response) };
  }

  /** The session key that both sides now share; `undefined` when the password was wrong or the bytes malformed. */
  async finishLogin(options: {
    account: AccountId;
    state: string;
    finish: Uint8Array;
  }): Promise<Uint8Array | undefined> {
    const { state, finish } = options;
    const question = { kind: 'finish', account: idKey(options.account), state, finish: toText(finish) } as const;
    const { sessionKey } = await this.#ask<'finish'>(question);
    return sessionKey === undefined ? undefined : toBytes(sessionKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new CofferError('SHUTTING_DOWN', 'the login worker has ended'));
    await this.#end();
  }

  async #ask<Kind extends OpaqueQuestion['kind']>(
    question: Extract<OpaqueQuestion, { kind: Kind }>,
  ): Promise<Answer<Kind>> {
    const answer = await this.#post(question);
    if (answer?.kind === question.kind) return answer as Answer<Kind>;
    throw new CofferError('INVALID', 'not a message of the login protocol');
  }

  #post(question: OpaqueQuestion): Promise<OpaqueAnswer | undefined> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#waiting.size >= maxPending) return Promise.reject(new CofferError('BUSY', 'too many logins at once'));
    clearTimeout(this.#rest);
    const worker = this.#worker ?? this.#start();
    return new Promise((resolve, reject) => {
      const id = (this.#nextId += 1);
      this.#waiting.set(id, { resolve, reject });
      const request: OpaqueRequest = { id, question };
      worker.postMessage(request);
    });
  }

  /** The first start also proves that the setup can be used. */
  async #begin(): Promise<void> {
    try {
      await once(this.#start(), 'message');
    } catch (cause) {
      await this[Symbol.asyncDispose]();
      throw new CofferError('CONFIG', 'the login secret (opaque-setup) cannot be used', {
        hint: 'Restore it from the backup made by `coffer admin init`.',
        cause,
      });
    }
    this.#restSoon();
  }

  #start(): Worker {
    const data: OpaqueWorkerData = { setup: this.#options.setup, server: idKey(this.#options.server) };
    const worker = startWorker(new URL('./opaque-server-worker.ts', import.meta.url), { workerData: data });
    let ready = false;
    worker.on('message', (message: OpaqueReply | typeof opaqueReady) => {
      if (message === opaqueReady) ready = true;
      else this.#settle(message);
    });
    worker.on('error', (cause) => {
      const error = new CofferError('INTERNAL', 'the login worker failed', { cause });
      this.#fail(error);
      if (ready) this.#options.onFatal?.(error);
    });
    this.#worker = worker;
    return worker;
  }

  #settle({ id, answer }: OpaqueReply): void {
    this.#waiting.get(id)?.resolve(answer);
    this.#waiting.delete(id);
    this.#restSoon();
  }

  #restSoon(): void {
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this.#end(), this.#options.restAfterMs ?? restAfterMs).unref();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#rest);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #fail(error: CofferError): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}
