/**
 * What does a collection cost those who upload meanwhile? Four clients send files into a storage with many chunks, of
 * which three fifths are garbage and of whose packs every one is compacted. Bars: no error, a p99 of the event loop's
 * delay of 50 ms, and memory that does not grow with the chunks (64 MiB for ten million).
 *
 *     npm run bench -- collection [--chunks 100000,1000000,3000000] [--clients 4] [--client-mib 10] [--folder DIR]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fill } from './collection/fill.ts';
import type { Measured, Stretch } from './collection/measure.ts';
import { measure } from './collection/measure.ts';
import { readOptions, usage } from './collection/options.ts';

const p99BarMs = 50;

if (process.send) process.once('message', (task: Task) => void work(task));
else await main();

/** Filling and measuring are processes of their own: the memory of the one is not that of the other. */
interface Task {
  readonly step: 'fill' | 'measure';
  readonly path: string;
  readonly chunks: number;
  readonly clients: number;
  readonly clientMiB: number;
}

async function main(): Promise<void> {
  const options = readOrExplain();
  if (!options) return;
  console.log('chunks     stretch        seconds  loop p50     p99     max  p99 in CPU time  peak memory');
  for (const chunks of options.chunks) {
    const folder = mkdtempSync(join(options.folder, 'coffer-bench-'));
    try {
      const { clients, clientMiB } = options;
      const task = { path: join(folder, 'storage'), chunks, clients, clientMiB };
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
  const result = task.step === 'fill' ? await fill(task.path, task.chunks) : await measure(task);
  process.send?.({ result });
  process.disconnect?.();
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
  for (const stretch of stretches) console.log(`${String(chunks).padEnd(11)}${line(stretch)}`);
  console.log(`  did: ${JSON.stringify(removed)}`);
  console.log(
    `  uploads: ${uploads.files} files, ${uploads.mib.toFixed(0)} MiB, ${uploads.errors.length} errors; check --read-data: ${findings} findings`,
  );
  for (const error of uploads.errors.slice(0, 5)) console.log(`  ${error}`);
  const slow = stretches.some(({ p99Ms }) => p99Ms > p99BarMs);
  if (uploads.errors.length > 0 || findings > 0 || slow) process.exitCode = 1;
}

function line({ name, seconds, p50Ms, p99Ms, maxMs, cpuP99Ms, peakMiB }: Stretch): string {
  const ms = [p50Ms, p99Ms, maxMs, cpuP99Ms].map((value) => value.toFixed(1).padStart(6));
  return `${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)}  ${ms.join('  ')} ms  ${peakMiB.toFixed(0)} MiB`;
}
