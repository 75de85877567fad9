import { parentPort, workerData } from 'node:worker_threads';
import { toPlainError } from '../plain-error.ts';
import { databaseError } from '../sqlite/database.ts';
import type { FactsCall, FactsReply } from './facts-calls.ts';
import { FactsWriter } from './facts-writer.ts';
import { runChange } from './inline-changes.ts';

const { path } = workerData as { readonly path: string };

/** Opened by the first call, so that its failure is that call's answer. */
let writer: FactsWriter | undefined;

parentPort?.on('message', (call: FactsCall) => {
  parentPort?.postMessage(answer(call));
});

function answer({ id, name, args }: FactsCall): FactsReply {
  try {
    if (name === 'close') return { id, result: close() };
    writer ??= new FactsWriter(path);
    return { id, result: runChange(writer, name, args) };
  } catch (error) {
    return { id, error: toPlainError(databaseError(path, error)) };
  }
}

function close(): undefined {
  writer?.close();
  writer = undefined;
  parentPort?.close();
  return undefined;
}
