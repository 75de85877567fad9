import { readFileSync } from 'node:fs';
import { MemoryWatch, processFamily, resetPeakRss, runProgram } from '../src/index.ts';
import type { Finished } from '../src/index.ts';
import type { Command } from './tool.ts';

/** What one execution of one step cost. */
export interface Sample {
  readonly wallMs: number;
  /**
   * Processor time of client and server together, kernel included: what a step costs, however busy the machine is with other
   * programs. Undefined where unknown.
   */
  readonly cpuMs?: number | undefined;
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
  const cpuBeforeMs = cpuMs(serverPid);
  const { env, cwd } = command;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const finished = await runProgram(command.argv, { env, ...(cwd !== undefined && { cwd }), signal: limit });
  const after = loopbackBytes();
  const cpuAfterMs = cpuMs(serverPid);
  signal.throwIfAborted();
  if (limit.aborted) throw new Error(`given up after ${patienceMs / 1000} s`);
  if (finished.exitCode !== 0) throw new Error(describeFailure(command, finished));
  return {
    wallMs: finished.wallMs,
    cpuMs: cpuBeforeMs === undefined || cpuAfterMs === undefined ? undefined : cpuAfterMs - cpuBeforeMs,
    clientPeakBytes: finished.peakRssBytes,
    serverPeakBytes: server.stop(),
    wireBytes: before === undefined || after === undefined ? undefined : after - before,
  };
}

/** Of the children that ended here, which the command is one of, and of the server with all its children. Linux only. */
function cpuMs(serverPid: number): number | undefined {
  const ended = cpuTicks('self');
  if (ended === undefined) return undefined;
  const served = processFamily(serverPid).map((pid) => cpuTicks(pid));
  const ticks = served.reduce((sum, one) => sum + (one?.own ?? 0) + (one?.ended ?? 0), ended.ended);
  return ticks * tickMs;
}

/** `USER_HZ` of every Linux that Node runs on. */
const tickMs = 10;

/** Fields 14 to 17 of `/proc/PID/stat` (proc(5)), counted from behind the name, which may hold spaces. */
function cpuTicks(pid: number | 'self'): { readonly own: number; readonly ended: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15).map(Number);
    return { own: user + system, ended: endedUser + endedSystem };
  } catch {
    return undefined;
  }
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
