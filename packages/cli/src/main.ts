import { CofferError } from '@coffer/core';
import envPaths from 'env-paths';
import { exitCodes } from './exit-codes.ts';
import { runProgram } from './program.ts';

const interrupted = new AbortController();

/** The first signal asks to stop in order; a second one means now. What is committed stays, what is not is sent again. */
function onSignal(): void {
  if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
  interrupted.abort(new CofferError('CANCELLED', 'interrupted', { hint: 'Run it again to go on where it stopped.' }));
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
// A reader that went away (`coffer ls | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.stderr.on('error', () => process.exit(exitCodes.unexpected));

process.exitCode = await runProgram({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  dataFolder: envPaths('coffer', { suffix: '' }).data,
  streams: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr },
  signal: interrupted.signal,
  onSignal: (name, listener) => {
    process.on(name, listener);
    return { [Symbol.dispose]: () => void process.off(name, listener) };
  },
});
process.off('SIGINT', onSignal);
process.off('SIGTERM', onSignal);
