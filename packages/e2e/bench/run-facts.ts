import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { isolated } from './isolation.ts';
import type { BenchOptions } from './options.ts';
import { root } from './report/files.ts';

/** What figures depend on; no name of the machine and none of its paths. */
interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
}

/** How the figures of a result came to be. */
export interface RunFacts {
  readonly command: string;
  readonly commit: string;
  /** ISO 8601. */
  readonly at: string;
  readonly machine: Machine;
  readonly runs: number;
  /** Whether the loopback interface was the benchmark’s alone. */
  readonly isolated: boolean;
}

export function runFacts(name: string, { typed, runs }: BenchOptions): RunFacts {
  return {
    command: `npm run bench -- ${name} ${typed}`.trim(),
    commit: describeCommit(),
    at: new Date().toISOString(),
    machine: describeMachine(),
    runs,
    isolated,
  };
}

function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
  };
}

/** The commit that was measured, marked when the checkout differs from it. */
function describeCommit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no').length > 0;
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ' with uncommitted changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
