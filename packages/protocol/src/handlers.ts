import type { DataSource } from './data-pump.ts';
import type { OperationName, ReceivesData, RequestOf, ResponseOf } from './operations/table.ts';
import type { ServerConnection } from './server-connection.ts';

/** What a handler gets beside the message. */
export interface Call<Context> {
  /** Of this connection. */
  readonly context: Context;
  readonly connection: ServerConnection<Context>;
  /** The DATA of the REQUEST, one payload a frame; empty for operations without. What is not read is discarded. A payload stays valid as long as it is kept. */
  readonly data: AsyncIterable<Uint8Array>;
  /** Aborted by CANCEL and at the end of the connection. */
  readonly signal: AbortSignal;
}

/** What a handler answers: the message, and for operations with response DATA what to send after it. */
export type Reply<Op extends OperationName> = Op extends ReceivesData
  ? { readonly response: ResponseOf<Op>; readonly data: DataSource }
  : ResponseOf<Op>;

export type Handler<Op extends OperationName, Context> = (
  request: RequestOf<Op>,
  call: Call<Context>,
) => Promise<Reply<Op>>;

/** One for each operation: a missing one does not compile. */
export type Handlers<Context> = { readonly [Op in OperationName]: Handler<Op, Context> };
