import { readOptions, usage } from './options.ts';
import type { FaultOptions } from './options.ts';

/** A fault as a program. */
export interface Fault {
  /** What the run found, as one line each. @throws when what must hold does not */
  run(options: FaultOptions, signal: AbortSignal): Promise<readonly string[]>;
  readonly name: string;
}

/** Makes the fault, prints what was found; exit code 1 when something that must hold did not. Ctrl-C removes every trace first. */
export async function main(fault: Fault): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  try {
    const options = readOptions(process.argv.slice(2));
    const rounds = options.rounds === undefined ? '' : ` --rounds ${options.rounds}`;
    console.log(`${fault.name} --seed ${options.seed}${rounds}`);
    const startedMs = performance.now();
    for (const line of await fault.run(options, stop.signal)) console.log(`  ${line}`);
    console.log(`  held, in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  } catch (error) {
    console.error(error);
    if (error instanceof RangeError) console.error(usage);
    process.exitCode = stop.signal.aborted ? 130 : 1;
  }
}
