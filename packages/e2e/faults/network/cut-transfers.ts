import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { SyncReport } from '@coffer/sync';
import { startVault } from '../../src/index.ts';
import type { Coffer } from '../../src/index.ts';
import { checkStorage } from '../check-storage.ts';
import { logInThrough } from '../log-in-through.ts';
import { writeRandomFile } from '../random-file.ts';
import { Seeded } from '../seeded.ts';
import { BadLine, failures } from './bad-line.ts';

export interface CutTransfersOptions {
  readonly seed: number;
  readonly bytes: number;
  readonly everyMs: number;
  readonly afterBytes: number;
  readonly bytesPerSecond: number;
}

interface Transfer {
  readonly direction: 'up' | 'down';
  /** Commands until one was through. */
  readonly runs: number;
  /** Sent or received by the commands that lived to tell. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

export interface CutTransfersResult {
  readonly transfers: readonly Transfer[];
  /** Connections that failed, by the way they did. */
  readonly failed: Readonly<Record<string, number>>;
}

/** More commands than that in a row are no transfer that completes. */
const mostRuns = 20;

/**
 * A file goes up and comes down over a line that fails again and again. A command that says that it is done is: the file
 * is there and equal. @throws AssertionError
 */
export async function cutTransfers(options: CutTransfersOptions, signal?: AbortSignal): Promise<CutTransfersResult> {
  await using vault = await startVault();
  await using line = await BadLine.open({ ...options, to: vault.daemon.port });
  const desk = await logInThrough(vault, { port: line.port, name: 'desk' });
  const laptop = await logInThrough(vault, { port: line.port, name: 'laptop' });
  const [source, copy] = [vault.folder.join('source'), vault.folder.join('copy')];
  mkdirSync(source);
  writeRandomFile(join(source, 'large'), { bytes: options.bytes, seeded: new Seeded(options.seed) });
  line.begin();
  const up = await transfer(desk, { args: ['sync', source, '/large'], direction: 'up', signal });
  const down = await transfer(laptop, { args: ['sync', copy, '/large', '--mode', 'pull'], direction: 'down', signal });
  assert.equal(await hashOf(join(copy, 'large')), await hashOf(join(source, 'large')));
  await checkStorage(vault);
  return { transfers: [up, down], failed: Object.fromEntries(failures.map((name) => [name, line.failed(name)])) };
}

interface Command {
  readonly args: readonly string[];
  readonly direction: 'up' | 'down';
  readonly signal: AbortSignal | undefined;
}

async function transfer(coffer: Coffer, { args, direction, signal }: Command): Promise<Transfer> {
  const startedMs = performance.now();
  let bytes = 0;
  for (let runs = 1; runs <= mostRuns; runs += 1) {
    const { exitCode, json, stderr } = await coffer.run([...args, '--json'], { ...(signal && { signal }) });
    signal?.throwIfAborted();
    const report = json as SyncReport | undefined;
    bytes += (direction === 'up' ? report?.bytesSent : report?.bytesReceived) ?? 0;
    if (exitCode === 0) return { direction, runs, bytes, elapsedMs: performance.now() - startedMs };
    assert.equal(exitCode, 8, stderr);
  }
  throw new assert.AssertionError({ message: `${direction}: not through after ${mostRuns} commands` });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
