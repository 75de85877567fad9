import { CofferError } from '@coffer/core';
import { databaseError } from '../sqlite/database.ts';
import type { ChangeArguments, ChangeName, ChangeResult, FactsChanges } from './facts-calls.ts';
import { FactsWriter } from './facts-writer.ts';

/** The index's writer on the calling thread. */
export class InlineChanges implements FactsChanges {
  readonly #path: string;
  #writer: FactsWriter | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  async call<Name extends ChangeName>(name: Name, ...args: ChangeArguments<Name>): Promise<ChangeResult<Name>> {
    if (this.#closed) throw new CofferError('SHUTTING_DOWN', 'the index is closed');
    try {
      return runChange((this.#writer ??= new FactsWriter(this.#path)), name, args) as ChangeResult<Name>;
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#writer?.close();
    this.#writer = undefined;
  }
}

/** Calls a method of the writer by name; `open` is done by having one. */
export function runChange(writer: FactsWriter, name: ChangeName, args: readonly unknown[]): unknown {
  if (name === 'open') return undefined;
  const change = writer[name].bind(writer) as (...values: readonly unknown[]) => unknown;
  return change(...args);
}
