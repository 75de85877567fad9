/**
 * From a thousand to a million files: how long the first push, a run without changes and a listing take, and what client and
 * server need in memory.
 *
 *   npm run bench -- growth --where tmpfs --scale 0.1     up to 100,000 files
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment, cofferCommand, startVault, TemporaryFolder } from '../src/index.ts';
import { findLocation } from './location.ts';
import type { Location } from './location.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeRun, describeSpread, table } from './report/markdown.ts';
import { runFacts } from './run-facts.ts';
import type { RunFacts } from './run-facts.ts';
import { measure } from './sample.ts';
import type { Sample } from './sample.ts';
import { spreadOf } from './statistics.ts';

interface GrowthResult extends RunFacts {
  readonly parts: readonly GrowthPart[];
}

interface GrowthPart {
  readonly where: string;
  readonly files: number;
  /** Files in the one folder that is listed; the others lie in folders of a thousand. */
  readonly listed: number;
  readonly push: readonly Sample[];
  readonly unchanged: readonly Sample[];
  readonly list: readonly Sample[];
}

const MiB = 1024 ** 2;
const fileCounts = [1000, 10_000, 100_000, 1_000_000];
/** What is listed at most: what the bar speaks of. */
const listedAtMost = 100_000;
const filesPerFolder = 1000;
/** A file on a disk takes a block, and about as much again in the vault. */
const bytesPerFile = 12 * 1024;

await main<GrowthResult>({ name: 'growth', run, describe });

async function run(options: BenchOptions, signal: AbortSignal): Promise<GrowthResult> {
  const parts: GrowthPart[] = [];
  for (const where of options.where) {
    for (const files of fileCounts.filter((count) => count <= options.scale * 1_000_000)) {
      const location = findLocation(where, files * bytesPerFile);
      parts.push(await runPart({ location, files, options, signal }));
    }
  }
  return { ...runFacts('growth', options), parts };
}

interface PartInput {
  readonly location: Location;
  readonly files: number;
  readonly options: BenchOptions;
  readonly signal: AbortSignal;
}

async function runPart({ location: { where, folder }, files, options, signal }: PartInput): Promise<GrowthPart> {
  await using place = await TemporaryFolder.open({ parent: folder, prefix: 'coffer-growth-' });
  const source = place.join('source');
  const listed = Math.min(files, listedAtMost);
  makeFiles(source, { files, listed });
  const samples = { push: [] as Sample[], unchanged: [] as Sample[], list: [] as Sample[] };
  for (let round = 0; round < options.runs; round += 1) {
    await using vault = await startVault({ parent: place.path });
    const { home } = vault.user.device;
    const step = async (name: keyof typeof samples, args: readonly string[]): Promise<void> => {
      const command = { argv: cofferCommand([...args, '--json', '--home', home]), env: cleanEnvironment(home) };
      const sample = await measure(command, {
        serverPid: vault.daemon.pid,
        patienceMs: options.patienceMs * Math.max(1, files / 10_000),
        signal,
      });
      samples[name].push(sample);
      console.error(`${where} ${files} files, run ${round + 1}: ${name} ${(sample.wallMs / 1000).toFixed(2)} s`);
    };
    await step('push', ['sync', source, '/saved']);
    await step('unchanged', ['sync', source, '/saved']);
    await step('list', ['ls', '/saved/listed']);
  }
  return { where, files, listed, ...samples };
}

/** Small files that all differ. */
function makeFiles(root: string, { files, listed }: { files: number; listed: number }): void {
  for (let made = 0; made < files; made += 1) {
    const name = made < listed ? 'listed' : `folder-${Math.floor(made / filesPerFolder)}`;
    if (made === 0 || (made >= listed && made % filesPerFolder === 0)) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, `file-${made}.txt`), `${made} of ${files} small files that all differ\n`);
  }
}

function describe(result: GrowthResult): string {
  const seconds = (samples: readonly Sample[]): string =>
    describeSpread(spreadOf(samples.map(({ wallMs }) => wallMs / 1000)));
  const peak = (samples: readonly Sample[], of: 'clientPeakBytes' | 'serverPeakBytes'): string =>
    (Math.max(...samples.map((sample) => sample[of])) / MiB).toFixed(0);
  const rows = result.parts.map(({ where, files, listed, push, unchanged, list }) => [
    where,
    files.toLocaleString('en'),
    seconds(push),
    seconds(unchanged),
    `${seconds(list)} (${listed.toLocaleString('en')})`,
    peak(push, 'clientPeakBytes'),
    peak(unchanged, 'clientPeakBytes'),
    peak(push, 'serverPeakBytes'),
  ]);
  const head = [
    'where',
    'files',
    'first push, s',
    'nothing changed, s',
    '`coffer ls`, s (entries)',
    'client memory: push, MiB',
    'nothing changed, MiB',
    'server memory: push, MiB',
  ];
  const bars =
    'Bars: 1,000,000 files without a change in 30 s and 600 MiB; 100,000 files in 350 MiB; a listing of 100,000 entries in 1 s.';
  return [bars, describeRun(result), table(head, rows)].join('\n\n');
}
