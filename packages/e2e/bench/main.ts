import { isolateNetwork } from './isolation.ts';
import { readOptions, usage } from './options.ts';
import type { BenchOptions } from './options.ts';
import { readResult, writeDocs, writeResult } from './report/files.ts';

/** A benchmark as a program. */
export interface Benchmark<Result> {
  /** Its name on the command line, of its result file and of its place in docs/BENCHMARKS.md. */
  readonly name: string;
  run(options: BenchOptions, signal: AbortSignal): Promise<Result>;
  /** Markdown. */
  describe(result: Result): string;
}

/** Runs a benchmark to its end, prints and keeps what it found. Ctrl-C stops every server and removes every folder first. */
export async function main<Result>(benchmark: Benchmark<Result>): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  try {
    const options = readOptions(process.argv.slice(2));
    if (!options.onlyDocs) isolateNetwork();
    const result = options.onlyDocs
      ? (readResult(benchmark.name) as Result)
      : await benchmark.run(options, stop.signal);
    if (!options.onlyDocs) console.error(`\nkept in ${writeResult(benchmark.name, result)}`);
    console.log(options.json ? JSON.stringify(result) : `\n${benchmark.describe(result)}`);
    if (options.docs || options.onlyDocs) writeDocs(benchmark.name, benchmark.describe(result));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    if (error instanceof RangeError || error instanceof TypeError) console.error(usage);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
}
