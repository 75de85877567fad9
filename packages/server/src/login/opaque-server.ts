import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { CofferError, idKey, lp, startWorker, type AccountId, type ServerId } from '@coffer/core';
import type { OpaqueAnswer, OpaqueQuestion, OpaqueReply, OpaqueRequest, OpaqueWorkerData } from './opaque-messages.ts';

/** Logins that wait for the worker; each takes about a millisecond there, so more means an attack. */
const maxPending = 256;

export interface OpaqueServerOptions {
  /** The server's long-term OPAQUE secret, as in the file `opaque-setup`. */
  readonly setup: string;
  readonly server: ServerId;
  /** The worker died; nobody can log in any more. */
  readonly onFatal?: (error: CofferError) => void;
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

/** The server's half of OPAQUE (RFC 9807; CRYPTO §Login), in a worker thread so that a login never holds up the others' bytes. */
export class OpaqueServer implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #setup: Uint8Array;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #failure: CofferError | undefined;

  /** A new long-term secret. Changing it makes every password record worthless. */
  static async createSetup(): Promise<string> {
    const { ready, server } = await import('@serenity-kit/opaque');
    await ready;
    return server.createSetup();
  }

  static async open({ setup, server, onFatal }: OpaqueServerOptions): Promise<OpaqueServer> {
    const data: OpaqueWorkerData = { setup, server: idKey(server) };
    const worker = startWorker(new URL('./opaque-worker.ts', import.meta.url), { workerData: data });
    await once(worker, 'online');
    const opaque = new OpaqueServer(worker, setup);
    worker.on('error', (cause) => {
      const error = new CofferError('INTERNAL', 'the login worker failed', { cause });
      opaque.#fail(error);
      onFatal?.(error);
    });
    return opaque;
  }

  private constructor(worker: Worker, setup: string) {
    this.#worker = worker;
    this.#setup = Buffer.from(setup, 'base64url');
    worker.on('message', (reply: OpaqueReply) => this.#settle(reply));
    worker.on('exit', () => this.#fail(new CofferError('SHUTTING_DOWN', 'the login worker has ended')));
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
    await this.#worker.terminate();
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
    return new Promise((resolve, reject) => {
      const id = (this.#nextId += 1);
      this.#waiting.set(id, { resolve, reject });
      const request: OpaqueRequest = { id, question };
      this.#worker.postMessage(request);
    });
  }

  #settle({ id, answer }: OpaqueReply): void {
    this.#waiting.get(id)?.resolve(answer);
    this.#waiting.delete(id);
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
