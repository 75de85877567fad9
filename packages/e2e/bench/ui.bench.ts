/**
 * The terminal UI on a PTY, in a folder of 100,000 entries: time from start to the first list, time and bytes from a key to
 * what it draws, memory of the process.
 *
 *   npm run bench -- ui --runs 5
 */
import { AtTerminal, peakRssBytes, startVault } from '../src/index.ts';
import { makeManyFiles } from './many-files.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeRun, describeSpread, table } from './report/markdown.ts';
import { runFacts } from './run-facts.ts';
import type { RunFacts } from './run-facts.ts';
import { spreadOf } from './statistics.ts';

interface UiResult extends RunFacts {
  readonly entries: number;
  /** Milliseconds from the start of the process to the first list, one per run. */
  readonly firstListMs: readonly number[];
  /** Milliseconds from a key to its last byte, and the bytes, of every key of every run. */
  readonly keyMs: readonly number[];
  readonly keyBytes: readonly number[];
  readonly filterMs: readonly number[];
  readonly peakBytes: readonly number[];
}

const entries = 100_000;
const keysPerRun = 60;
const mib = 1024 * 1024;
const bars = { firstListMs: 400, keyMs: 30, keyBytes: 1024, peakMiB: 250 } as const;

const names = ['firstListMs', 'keyMs', 'keyBytes', 'filterMs', 'peakBytes'] as const;
type Measured = Record<(typeof names)[number], number[]>;

await main<UiResult>({ name: 'ui', run, describe });

async function run(options: BenchOptions, signal: AbortSignal): Promise<UiResult> {
  await using vault = await startVault();
  const count = Math.round(entries * options.scale);
  const source = await makeManyFiles(vault.folder.join('many'), count);
  const { device } = vault.user;
  await device.json(['put', source, '/']);
  const result = { firstListMs: [], keyMs: [], keyBytes: [], filterMs: [], peakBytes: [] } as Measured;
  for (let round = 0; round <= options.runs; round += 1) {
    signal.throwIfAborted();
    const measured = await measure(device.home, count);
    if (round > 0) for (const key of names) result[key].push(...measured[key]); // the first round warms caches
  }
  return { ...runFacts('ui', options), entries: count, ...result };
}

async function measure(home: string, count: number): Promise<Measured> {
  const started = performance.now();
  await using person = new AtTerminal(['ui'], home, { cols: 120, rows: 40 });
  await person.writes(/Home \(/);
  const firstListMs = performance.now() - started;
  await person.shows(/online/);
  person.type('\r');
  await person.shows(new RegExp(`many \\(${count}`));
  await person.settles();
  const keys = [];
  for (let key = 0; key < keysPerRun; key += 1) keys.push(await person.measureKey('j'));
  person.type('/');
  await person.settles();
  const filters = [];
  for (const key of '00001') filters.push(await person.measureKey(key));
  return {
    firstListMs: [firstListMs],
    keyMs: keys.map(({ ms }) => ms),
    keyBytes: keys.map(({ bytes }) => bytes),
    filterMs: filters.map(({ ms }) => ms),
    peakBytes: [peakRssBytes(person.pid)],
  };
}

function describe(result: UiResult): string {
  const median = (values: readonly number[]): number => spreadOf(values)?.median ?? Number.NaN;
  const mean = result.keyBytes.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, result.keyBytes.length);
  const peaks = result.peakBytes.map((bytes) => bytes / mib);
  const rows = [
    [
      'first list after start, ms',
      describeSpread(spreadOf(result.firstListMs), 0),
      `${bars.firstListMs}`,
      verdict(median(result.firstListMs), bars.firstListMs),
    ],
    [
      'a cursor key, ms',
      describeSpread(spreadOf(result.keyMs), 1),
      `${bars.keyMs}`,
      verdict(median(result.keyMs), bars.keyMs),
    ],
    [
      'a key of the filter, ms',
      describeSpread(spreadOf(result.filterMs), 1),
      `${bars.keyMs}`,
      verdict(median(result.filterMs), bars.keyMs),
    ],
    ['written per cursor key, bytes (mean)', mean.toFixed(0), `${bars.keyBytes}`, verdict(mean, bars.keyBytes)],
    ['peak memory, MiB', describeSpread(spreadOf(peaks), 0), `${bars.peakMiB}`, verdict(median(peaks), bars.peakMiB)],
  ];
  const head = ['what', `in a folder of ${result.entries} entries, 120 × 40`, 'bar', 'reached'];
  return [describeRun(result), table(head, rows)].join('\n\n');
}

function verdict(value: number, bar: number): string {
  return value <= bar ? 'yes' : 'no';
}
