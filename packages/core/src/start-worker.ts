import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Everything a worker thread takes, except what decides how its file is found and run. */
export type StartWorkerOptions = Omit<WorkerOptions, 'eval' | 'execArgv'>;

/**
 * Starts a worker thread from a file of the calling package, written as its TypeScript source:
 * `startWorker(new URL('./seal-worker.ts', import.meta.url))`.
 *
 * Works from the built `dist`, through tsx, and under jest. The caller owns the worker; `await using` terminates it.
 */
export function startWorker(source: URL, options: StartWorkerOptions = {}): Worker {
  if (!source.href.endsWith('.ts')) throw new TypeError(`A worker is named by its .ts source, not ${source.href}`);
  return runsFromSources
    ? new Worker(source, { ...options, execArgv: SOURCE_EXEC_ARGV })
    : new Worker(new URL(source.href.replace(/\.ts$/, '.js')), { ...options, execArgv: [] });
}

/** `tsc` rewrites the extensions of imports, not of `new URL(…)`; this file's own extension tells which of the two runs. */
const runsFromSources = import.meta.url.endsWith('.ts');

/**
 * Node strips the types itself, so a worker inherits neither tsx nor jest; it only has to find `@coffer/x` in its sources.
 * Passing our own list also keeps flags of the main thread that a worker refuses from reaching it.
 */
const SOURCE_EXEC_ARGV = ['--conditions=source'];
