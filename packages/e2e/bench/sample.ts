import { readFileSync } from 'node:fs';
import { MemoryWatch, resetPeakRss, runProgram } from '../src/index.ts';
import type { Finished } from '../src/index.ts';
import type { Command } from './tool.ts';

/** What one execution of one step cost. */
export interface Sample {
  readonly wallMs: number;
  readonly clientPeakBytes: number;
  readonly serverPeakBytes: number;
  /** Over the loopback interface in both directions, headers and acknowledgements included; undefined where unknown. */
  readonly wireBytes: number | undefined;
}

/** Runs a command once and measures it and its server. @throws Error when it fails, with what it said, or takes too long */
export async function measure(
  command: Command,
  { serverPid, patienceMs, signal }: { serverPid: number; patienceMs: number; signal: AbortSignal },
): Promise<Sample> {
  signal.throwIfAborted();
  resetPeakRss(serverPid);
  using server = new MemoryWatch(serverPid);
  const before = loopbackBytes();
  const { env, cwd } = command;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const finished = await runProgram(command.argv, { env, ...(cwd !== undefined && { cwd }), signal: limit });
  const after = loopbackBytes();
  signal.throwIfAborted();
  if (limit.aborted) throw new Error(`given up after ${patienceMs / 1000} s`);
  if (finished.exitCode !== 0) throw new Error(describeFailure(command, finished));
  return {
    wallMs: finished.wallMs,
    clientPeakBytes: finished.peakRssBytes,
    serverPeakBytes: server.stop(),
    wireBytes: before === undefined || after === undefined ? undefined : after - before,
  };
}

/** Sent bytes of the interface (each is received there too) in this process's network namespace, which `/sys` does not follow. */
function loopbackBytes(): number | undefined {
  try {
    const line = /^\s*lo:\s*(.+)$/m.exec(readFileSync('/proc/net/dev', 'latin1'))?.[1];
    const sent = line?.trim().split(/\s+/)[8]; // after the eight columns of what was received
    return sent === undefined ? undefined : Number(sent);
  } catch {
    return undefined;
  }
}

function describeFailure({ argv }: Command, { exitCode, stdout, stderr }: Finished): string {
  return `${argv.join(' ')}: exit code ${exitCode}\n${stderr}${stdout}`.slice(0, 4000);
}
