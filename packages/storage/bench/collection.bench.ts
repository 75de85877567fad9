/**
 * What does a collection cost those who upload meanwhile? Four clients send files into a storage with many chunks, of
 * which three fifths are garbage and of whose packs every one is compacted. Bars: no error, a p99 of the event loop's
 * delay of 50 ms; and without clients, where nothing else takes memory, 64 MiB more than when idle, for ten million too.
 *
 *     npm run bench -- collection [--chunks 100000,1000000,3000000] [--clients 4] [--client-mib 10] [--folder DIR]
 *     npm run bench -- collection --clients 0 --chunks 100000,300000,1000000
 *     npm run bench -- collection --index-only --chunks 1000000,10000000
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fillIndex } from './collection/fill-index.ts';
import { fill } from './collection/fill.ts';
import type { Measured, Stretch } from './collection/measure.ts';
import { measure } from './collection/measure.ts';
import { readOptions, usage } from './collection/options.ts';

const p99BarMs = 50;
/** More than idle, for what collects; a scrub has a thread of its own besides. */
const memoryBarMiB = 64;
const collecting: ReadonlySet<string> = new Set(['expire', 'collect', 'recount']);

if (process.send) process.once('message', (task: Task) => void work(task));
else await main();

/** Filling and measuring are processes of their own: the memory of the one is not that of the other. */
interface Task {
  readonly step: 'fill' | 'measure';
  readonly path: string;
  readonly chunks: number;
  readonly clients: number;
  readonly clientMiB: number;
  readonly indexOnly: boolean;
}

async function main(): Promise<void> {
  const options = readOrExplain();
  if (!options) return;
  console.log(
    'chunks     stretch        seconds  loop p50     p99     max  p99 in CPU time  peak memory, more than at first',
  );
  for (const chunks of options.chunks) {
    const folder = mkdtempSync(join(options.folder, 'coffer-bench-'));
    try {
      const { clients, clientMiB, indexOnly } = options;
      const task = { path: join(folder, 'storage'), chunks, clients, clientMiB, indexOnly };
      await inChild({ ...task, step: 'fill' });
      report((await inChild({ ...task, step: 'measure' })) as Measured);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function readOrExplain() {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function work(task: Task): Promise<void> {
  const result = task.step === 'fill' ? await fillBy(task) : await measure(task);
  process.send?.({ result });
  process.disconnect?.();
}

function fillBy({ indexOnly, path, chunks }: Task): Promise<void> {
  return indexOnly ? fillIndex(path, chunks) : fill(path, chunks);
}

async function inChild(task: Task): Promise<unknown> {
  const child = fork(import.meta.filename, [], { execArgv: process.execArgv });
  child.send(task);
  const ended = once(child, 'exit').then(() =>
    Promise.reject(new Error(`a process ended while it was to ${task.step}`)),
  );
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ readonly result: unknown }];
  ended.catch(() => undefined);
  return message.result;
}

function report({ chunks, stretches, removed, uploads, findings }: Measured): void {
  const firstMiB = stretches[0]?.peakMiB ?? 0;
  for (const stretch of stretches) console.log(`${String(chunks).padEnd(11)}${line(stretch, firstMiB)}`);
  console.log(`  did: ${JSON.stringify(removed)}`);
  console.log(
    `  uploads: ${uploads.files} files, ${uploads.mib.toFixed(0)} MiB, ${uploads.errors.length} errors; check --read-data: ${findings} findings`,
  );
  for (const error of uploads.errors.slice(0, 5)) console.log(`  ${error}`);
  const slow = stretches.some(({ p99Ms }) => p99Ms > p99BarMs);
  const large = stretches.some(({ name, peakMiB }) => collecting.has(name) && peakMiB - firstMiB > memoryBarMiB);
  if (uploads.errors.length > 0 || findings > 0 || slow || (uploads.files === 0 && large)) process.exitCode = 1;
}

function line({ name, seconds, p50Ms, p99Ms, maxMs, cpuP99Ms, peakMiB }: Stretch, firstMiB: number): string {
  const ms = [p50Ms, p99Ms, maxMs, cpuP99Ms].map((value) => value.toFixed(1).padStart(6));
  const memory = `${peakMiB.toFixed(0)} MiB  ${(peakMiB - firstMiB).toFixed(0).padStart(4)} MiB`;
  return `${name.padEnd(16)} ${seconds.toFixed(1).padStart(5)}  ${ms.join('  ')} ms  ${memory}`;
}
