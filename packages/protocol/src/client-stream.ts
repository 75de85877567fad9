import type { BufferAccount } from './buffer-budget.ts';
import { DataCheck } from './data-check.ts';
import { InboundData } from './inbound-data.ts';
import { decodeMessage } from './messages.ts';
import { operationOf, type OperationName } from './operations/table.ts';
import { violation } from './violation.ts';

export interface ClientStreamFields {
  readonly number: number;
  readonly op: OperationName;
  readonly account: BufferAccount;
  /** The caller stopped reading the DATA before its end. */
  readonly onAbandoned: () => void;
}

/** One REQUEST of ours, until its answer is complete. */
export class ClientStream {
  readonly number: number;
  readonly op: OperationName;
  readonly data: InboundData;
  readonly #check: DataCheck;
  readonly #response = Promise.withResolvers<unknown>();
  readonly #upload = new AbortController();
  readonly #writes = new Set<Promise<void>>();
  readonly #onOver: (() => void)[] = [];
  #answered = false;
  /** Our own END is handed over: an answer before it is a violation. */
  #sent: boolean;

  constructor({ number, op, account, onAbandoned }: ClientStreamFields) {
    const { requestData, responseData } = operationOf(op);
    this.number = number;
    this.op = op;
    this.data = new InboundData(account, onAbandoned);
    this.#sent = requestData === undefined;
    this.#check = new DataCheck(responseData);
    // Whoever asked may have given up already.
    this.#response.promise.catch(() => undefined);
  }

  /** Rejects with what ended the stream. */
  get response(): Promise<unknown> {
    return this.#response.promise;
  }

  /** Aborted when nobody wants what we send any more. */
  get uploadSignal(): AbortSignal {
    return this.#upload.signal;
  }

  /** Runs when the connection has no more to do with the stream. */
  onOver(callback: () => void): void {
    this.#onOver.push(callback);
  }

  /** Nothing more is sent or received. */
  over(): void {
    for (const callback of this.#onOver.splice(0)) callback();
  }

  /** Remembers a write of DATA until it is done. */
  async writes(written: Promise<void>): Promise<void> {
    this.#writes.add(written);
    await Promise.allSettled([written]);
    this.#writes.delete(written);
  }

  /** True when nothing of what was given to be sent is in use. */
  get isUntouched(): boolean {
    return this.#writes.size === 0;
  }

  /** Resolves when nothing of what was given to be sent is in use any more. */
  async untouched(): Promise<void> {
    await Promise.allSettled(this.#writes);
  }

  sendingEnds(): void {
    this.#sent = true;
  }

  /** A RESPONSE frame; true when the stream is complete with it. @throws PROTOCOL */
  answered(payload: Uint8Array): boolean {
    if (this.#answered) throw violation('a second RESPONSE');
    if (!this.#sent) throw violation('a RESPONSE before our END');
    const { response, responseData } = operationOf(this.op);
    const message = decodeMessage(response, payload);
    this.#answered = true;
    if (responseData === undefined) this.data.end();
    this.#response.resolve(message);
    return responseData === undefined;
  }

  /** A DATA frame. @throws PROTOCOL */
  received(payload: Uint8Array): void {
    if (!this.#answered) throw violation('DATA before the RESPONSE');
    this.#check.frame(payload.byteLength);
    this.data.push(payload);
  }

  /** An END frame. @throws PROTOCOL */
  completed(payload: Uint8Array): void {
    if (!this.#answered) throw violation('END before the RESPONSE');
    this.#check.end(payload);
    this.data.end();
  }

  /** An ERROR frame: what came before it is still given. */
  refused(error: unknown): void {
    this.#upload.abort(error);
    this.#response.reject(error);
    this.data.failAtEnd(error);
  }

  /** The connection ended, or nobody wants the answer. */
  abort(reason: unknown): void {
    this.#upload.abort(reason);
    this.#response.reject(reason);
    this.data.fail(reason);
  }
}
