import type { Worker } from 'node:worker_threads';
import { CofferError, idKey, startWorker, type AccountId, type ServerId } from '@coffer/core';
import type { OpaqueJob, OpaqueReply } from './opaque-messages.ts';
import { preparePassword } from './password.ts';

/** Who logs in where: bound into the registration and into every login. */
export interface OpaqueParties {
  readonly account: AccountId;
  readonly server: ServerId;
}

export interface StartedRegistration {
  /** For the server's `registrationResponse`. */
  readonly request: Uint8Array;
  finish(input: OpaqueParties & { readonly response: Uint8Array }): Promise<FinishedRegistration>;
}

export interface FinishedRegistration {
  /** What the server keeps instead of a password. */
  readonly record: Uint8Array;
  /** 64 bytes that only the password yields. */
  readonly exportKey: Uint8Array;
}

export interface StartedLogin {
  /** For `session.loginStart`. */
  readonly request: Uint8Array;
  /** `undefined` when the password is wrong or the account does not exist: nobody can tell which. */
  finish(input: OpaqueParties & { readonly response: Uint8Array }): Promise<FinishedLogin | undefined>;
}

export interface FinishedLogin {
  /** For `session.loginFinish`. */
  readonly finish: Uint8Array;
  /** 64 bytes, the same on both sides: proves the login over the TLS exporter. */
  readonly sessionKey: Uint8Array;
  /** 64 bytes that only the password yields, the same at every login. */
  readonly exportKey: Uint8Array;
}

/**
 * The client half of OPAQUE (RFC 9807, CRYPTO §Login) in a worker thread, since stretching blocks for ~250 ms.
 * The caller owns it; disposing ends the thread, and what was under way is CANCELLED.
 */
export class OpaqueClient implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextJob = 0;
  #ended: CofferError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', ({ job, result, error }: OpaqueReply) => {
      const waiting = this.#waiting.get(job);
      this.#waiting.delete(job);
      if (error === undefined) waiting?.resolve(result);
      else
        waiting?.reject(
          new CofferError('PROTOCOL', 'The server sent no valid answer to the login', { details: { reason: error } }),
        );
    });
    worker.on('error', (cause) => this.#end(new CofferError('INTERNAL', 'the login thread failed', { cause })));
    worker.on('exit', () => this.#end(new CofferError('CANCELLED', 'the login was ended')));
    worker.unref();
  }

  static async open(): Promise<OpaqueClient> {
    return Promise.resolve(new OpaqueClient(startWorker(new URL('./opaque-client-worker.ts', import.meta.url))));
  }

  /** Registration, first half. */
  async startRegistration(password: string): Promise<StartedRegistration> {
    const prepared = preparePassword(password);
    const [request, state] = await this.#run({ kind: 'startRegistration', password: prepared });
    return {
      request: bytesOf(request),
      finish: async ({ response, ...parties }) => {
        const [record, exportKey] = await this.#run({
          kind: 'finishRegistration',
          password: prepared,
          state: textOf(state),
          response: toText(response),
          identifiers: identifiersOf(parties),
        });
        return { record: bytesOf(record), exportKey: bytesOf(exportKey) };
      },
    };
  }

  /** Login, first half. */
  async startLogin(password: string): Promise<StartedLogin> {
    const prepared = preparePassword(password);
    const [request, state] = await this.#run({ kind: 'startLogin', password: prepared });
    return {
      request: bytesOf(request),
      finish: async ({ response, ...parties }) => {
        const [finish, sessionKey, exportKey] = await this.#run({
          kind: 'finishLogin',
          password: prepared,
          state: textOf(state),
          response: toText(response),
          identifiers: identifiersOf(parties),
        });
        if (finish === undefined) return undefined;
        return { finish: bytesOf(finish), sessionKey: bytesOf(sessionKey), exportKey: bytesOf(exportKey) };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  #run(job: OpaqueJob): Promise<readonly (string | undefined)[]> {
    if (this.#ended) return Promise.reject(this.#ended);
    const number = this.#nextJob;
    this.#nextJob += 1;
    return new Promise((resolve, reject) => {
      this.#hold(number, { resolve, reject });
      this.#worker.postMessage({ number, job });
    });
  }

  /** A job under way keeps the process alive; an idle client does not. */
  #hold(number: number, waiting: Waiting): void {
    this.#worker.ref();
    const settled = (): void => {
      if (this.#waiting.size === 0) this.#worker.unref();
    };
    this.#waiting.set(number, {
      resolve: (result) => {
        settled();
        waiting.resolve(result);
      },
      reject: (error) => {
        settled();
        waiting.reject(error);
      },
    });
  }

  #end(reason: CofferError): void {
    this.#ended ??= reason;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(this.#ended);
  }
}

interface Waiting {
  readonly resolve: (result: readonly (string | undefined)[]) => void;
  readonly reject: (error: CofferError) => void;
}

/** The identifiers of RFC 9807 §4: lower-case hex of the ids, on both sides. */
function identifiersOf({ account, server }: OpaqueParties) {
  return { client: idKey(account), server: idKey(server) };
}

function toText(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
}

function bytesOf(text: string | undefined): Uint8Array {
  return Uint8Array.fromBase64(textOf(text), { alphabet: 'base64url' });
}

function textOf(text: string | undefined): string {
  if (text === undefined) throw new TypeError('the login thread left a result out');
  return text;
}
