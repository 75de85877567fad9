import type { BufferAccount } from './buffer-budget.ts';
import { DataCheck } from './data-check.ts';
import { InboundData } from './inbound-data.ts';
import type { Operation } from './operations/operation.ts';
import type { OperationName } from './operations/table.ts';

export interface ServerStreamFields {
  readonly number: number;
  readonly op: OperationName;
  readonly operation: Operation;
  readonly account: BufferAccount;
}

/** One REQUEST that is not answered yet, with the DATA that belongs to it. */
export class ServerStream {
  readonly number: number;
  readonly op: OperationName;
  readonly operation: Operation;
  readonly data: InboundData;
  readonly #check: DataCheck;
  readonly #controller = new AbortController();

  constructor({ number, op, operation, account }: ServerStreamFields) {
    this.number = number;
    this.op = op;
    this.operation = operation;
    this.data = new InboundData(account);
    this.#check = new DataCheck(operation.requestData);
    if (operation.requestData === undefined) this.data.end();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A DATA frame. @throws PROTOCOL */
  received(payload: Uint8Array): void {
    this.#check.frame(payload.byteLength);
    this.data.push(payload);
  }

  /** An END frame. @throws PROTOCOL */
  completed(payload: Uint8Array): void {
    this.#check.end(payload);
    this.data.end();
  }

  /** Resolves when the client has sent all its DATA; what nobody read is dropped. */
  async rest(): Promise<void> {
    await this.data.discard();
  }

  /** The handler is told, and reads no more. Calls after the first do nothing. */
  abort(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#controller.abort(reason);
    this.data.fail(reason);
  }
}
