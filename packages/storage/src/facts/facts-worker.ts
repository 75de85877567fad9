import { CofferError } from '@coffer/core';
import { parentPort, workerData } from 'node:worker_threads';
import { databaseError } from '../sqlite/database.ts';
import type { FactsCall, FactsReply } from './facts-calls.ts';
import { FactsWriter } from './facts-writer.ts';

const { path } = workerData as { readonly path: string };

/** Opened by the first call, so that its failure is that call's answer. */
let writer: FactsWriter | undefined;

parentPort?.on('message', ({ id, method, args }: FactsCall) => {
  parentPort?.postMessage(answer(id, method, args));
});

function answer(id: number, method: FactsCall['method'], args: readonly unknown[]): FactsReply {
  try {
    if (method === 'close') return { id, result: close() };
    writer ??= new FactsWriter(path);
    if (method === 'open') return { id, result: undefined };
    const call = writer[method].bind(writer) as (...args: readonly unknown[]) => unknown;
    return { id, result: call(...args) };
  } catch (error) {
    return { id, error: plain(databaseError(path, error)) };
  }
}

function close(): undefined {
  writer?.close();
  writer = undefined;
  parentPort?.close();
  return undefined;
}

function plain(error: unknown): NonNullable<FactsReply['error']> {
  const details = error instanceof CofferError ? error.details : {};
  const code = error instanceof CofferError ? error.code : undefined;
  return {
    code,
    message: error instanceof Error ? error.message : String(error),
    details,
    stack: error instanceof Error ? error.stack : undefined,
  };
}
