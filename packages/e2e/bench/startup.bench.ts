/**
 * Time from the start of a command to its first output, over what `node -e 0` takes, commands in turn.
 *
 *   npm run bench -- startup --runs 20
 */
import { Child, cleanEnvironment, cofferCommand, startVault } from '../src/index.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeRun, describeSpread, table } from './report/markdown.ts';
import { runFacts } from './run-facts.ts';
import type { RunFacts } from './run-facts.ts';
import { spreadOf } from './statistics.ts';

interface StartupResult extends RunFacts {
  /** Milliseconds to the first output, one per run. */
  readonly commands: readonly { readonly name: string; readonly firstOutputMs: readonly number[] }[];
}

const bare = 'node -e 0';
const barMs = 150;
const stretchMs = 80;

await main<StartupResult>({ name: 'startup', run, describe });

async function run(options: BenchOptions, signal: AbortSignal): Promise<StartupResult> {
  await using vault = await startVault();
  const { home } = vault.user.device;
  const commands: { name: string; argv: readonly [string, ...string[]]; firstOutputMs: number[] }[] = [
    { name: bare, argv: [process.execPath, '-e', '0'], firstOutputMs: [] },
    { name: 'coffer --version', argv: cofferCommand(['--version']), firstOutputMs: [] },
    { name: 'coffer --help', argv: cofferCommand(['--help']), firstOutputMs: [] },
    { name: 'coffer whoami', argv: cofferCommand(['whoami', '--home', home]), firstOutputMs: [] },
    { name: 'coffer ls /', argv: cofferCommand(['ls', '/', '--json', '--home', home]), firstOutputMs: [] },
  ];
  for (let round = 0; round <= options.runs; round += 1) {
    for (const { argv, firstOutputMs } of commands) {
      const ms = await timeToFirstOutput(argv, { home, signal });
      if (round > 0) firstOutputMs.push(ms); // the first round warms caches
    }
  }
  return {
    ...runFacts('startup', options),
    commands: commands.map(({ name, firstOutputMs }) => ({ name, firstOutputMs })),
  };
}

/** Until the first byte on standard output, or until the end of what says nothing. */
async function timeToFirstOutput(
  argv: readonly [string, ...string[]],
  { home, signal }: { home: string; signal: AbortSignal },
): Promise<number> {
  const started = performance.now();
  await using child = new Child(argv, { env: cleanEnvironment(home), signal });
  const first = child.firstOutput.then(() => performance.now() - started);
  const finished = await child.finished;
  signal.throwIfAborted();
  if (finished.exitCode !== 0) throw new Error(`${argv.join(' ')}: exit code ${finished.exitCode}\n${finished.stderr}`);
  return finished.stdout === '' ? finished.wallMs : await first;
}

function describe(result: StartupResult): string {
  const node = result.commands.find(({ name }) => name === bare)?.firstOutputMs ?? [];
  const nodeMs = spreadOf(node)?.median ?? 0;
  const rows = result.commands.map(({ name, firstOutputMs }) => {
    const spread = spreadOf(firstOutputMs);
    const overMs = (spread?.median ?? Number.NaN) - nodeMs;
    const reached = overMs <= stretchMs ? 'stretch' : overMs <= barMs ? 'yes' : 'no';
    return [name, describeSpread(spread, 0), overMs.toFixed(0), name === bare ? '' : reached];
  });
  const head = ['command', 'first output, ms', `over \`${bare}\`, ms`, `≤ ${barMs} (stretch ${stretchMs})`];
  return [describeRun(result), table(head, rows)].join('\n\n');
}
