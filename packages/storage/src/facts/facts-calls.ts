import type { PlainError } from '../plain-error.ts';
import type { FactsWriter } from './facts-writer.ts';

export type ChangeName = Exclude<keyof FactsWriter, 'close'> | 'open';

export type ChangeArguments<Name extends ChangeName> = Name extends keyof FactsWriter
  ? Parameters<FactsWriter[Name]>
  : [];

export type ChangeResult<Name extends ChangeName> = Name extends keyof FactsWriter
  ? ReturnType<FactsWriter[Name]>
  : void;

/** The way to the index's writer, wherever it runs. Calls are carried out one by one, in the order in which they were made. */
export interface FactsChanges extends AsyncDisposable {
  /** @throws what the writer throws, as a CofferError where it has a code */
  call<Name extends ChangeName>(name: Name, ...args: ChangeArguments<Name>): Promise<ChangeResult<Name>>;
}

/** A call as it crosses to another thread. */
export interface FactsCall {
  readonly id: number;
  readonly name: ChangeName | 'close';
  readonly args: readonly unknown[];
}

export interface FactsReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: PlainError;
}
