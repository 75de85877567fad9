/**
 * First upload, nothing changed, small edit and restore, of one large incompressible file and of a tree of real small
 * files: Coffer against the usual tools and against a raw copy over TLS, all over loopback, on the same files, in one run.
 *
 *   npm run bench -- transfer --runs 3 --where both
 *   npm run bench -- transfer --scale 0.03 --runs 1 --where tmpfs     does everything work?
 */
import { findLocation } from './location.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeResult } from './report/tables.ts';
import type { Part, TransferResult } from './result.ts';
import { runFacts } from './run-facts.ts';
import { runTransfer } from './run-transfer.ts';
import type { Tool } from './tool.ts';
import { tools } from './tools/index.ts';
import type { WorkloadName } from './workloads.ts';

const workloads: readonly WorkloadName[] = ['file', 'tree'];
/** Of one workload: the source, its edited form, what is restored, and some air. */
const sourceCopies = 3.5;

await main<TransferResult>({ name: 'transfer', run, describe: describeResult });

async function run(options: BenchOptions, signal: AbortSignal): Promise<TransferResult> {
  const { available, skipped } = chooseTools(options);
  for (const { name, reason } of skipped) console.error(`${name} is skipped: ${reason}`);
  return {
    ...runFacts('transfer', options),
    scale: options.scale,
    tools: available.map((tool) => ({ name: tool.name, title: tool.title, version: tool.version() })),
    skipped,
    parts: await runParts(options, { available, signal }),
  };
}

async function runParts(
  { runs, where, scale, patienceMs, workloads: chosen = workloads }: BenchOptions,
  { available, signal }: { available: readonly Tool[]; signal: AbortSignal },
): Promise<Part[]> {
  const parts: Part[] = [];
  const neededBytes = Math.ceil(scale * 1024 ** 3 * (available.length + sourceCopies));
  const say = (line: string): void => console.error(line);
  for (const location of where.map((place) => findLocation(place, neededBytes))) {
    for (const workload of workloads.filter((name) => chosen.includes(name))) {
      parts.push(await runTransfer({ location, workload, tools: available, runs, scale, patienceMs, say, signal }));
    }
  }
  return parts;
}

function chooseTools({ tools: chosen }: BenchOptions): {
  available: readonly Tool[];
  skipped: TransferResult['skipped'];
} {
  const unknown = chosen?.find((name) => tools.every((tool) => tool.name !== name));
  if (unknown !== undefined)
    throw new RangeError(`--tools: "${unknown}" is none of ${tools.map(({ name }) => name).join(', ')}`);
  const wanted = tools.filter(({ name }) => chosen === undefined || chosen.includes(name));
  const reasons = wanted.map((tool) => ({ name: tool.name, reason: tool.missing() }));
  const skipped = reasons.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }]));
  return { available: wanted.filter((tool) => skipped.every(({ name }) => name !== tool.name)), skipped };
}
