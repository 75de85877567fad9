import { CofferError, startWorker } from '@coffer/core';
import type { Worker } from 'node:worker_threads';
import { fromPlainError } from '../plain-error.ts';
import type { ChangeArguments, ChangeName, ChangeResult, FactsCall, FactsChanges, FactsReply } from './facts-calls.ts';

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The index's writer on a thread of its own. */
export class FactsThread implements FactsChanges {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #ended: Error | undefined;
  #closing = false;

  constructor(path: string, onEnded: (error: unknown) => void = ignore) {
    this.#worker = startWorker(new URL('./facts-worker.ts', import.meta.url), {
      workerData: { path },
      name: 'coffer-index',
    });
    this.#worker.on('message', (reply: FactsReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => {
      const expected = this.#closing;
      this.#end(new CofferError('IO', 'the writer of the index has ended'));
      if (!expected) onEnded(this.#ended);
    });
  }

  call<Name extends ChangeName>(name: Name, ...args: ChangeArguments<Name>): Promise<ChangeResult<Name>> {
    return this.#post(name, args) as Promise<ChangeResult<Name>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    if (!this.#ended) await this.#post('close', []).catch(ignore);
    this.#end(new CofferError('SHUTTING_DOWN', 'the index is closed'));
    await this.#worker.terminate();
  }

  #post(name: FactsCall['name'], args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { resolve, reject });
      const call: FactsCall = { id, name, args };
      this.#worker.postMessage(call);
    });
  }

  #settle({ id, result, error }: FactsReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!error) return waiting?.resolve(result);
    waiting?.reject(fromPlainError(error, 'the index refused a change'));
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(reason);
  }
}

function ignore(): void {}
