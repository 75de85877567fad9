import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { VaultId } from '@coffer/core';
import { fromHex, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { Storage } from '@coffer/storage';
import { Child, cleanEnvironment, TemporaryFolder } from '../../src/index.ts';
import { Seeded } from '../seeded.ts';

export interface OpenOptions {
  readonly seed: number;
  readonly bytes: number;
}

export interface OpenResult {
  readonly storedBytes: number;
  readonly commits: number;
  /** True when the system let go of what it kept of the files in memory. */
  readonly cold: boolean;
  readonly openMs: number;
}

/**
 * Fills a storage with chunks of random bytes, kills the process in the middle of the next commit, and opens the storage,
 * with nothing of it in memory where the system allows that. @throws AssertionError when an acknowledged commit is missing
 */
export async function openAfterKill({ seed, bytes }: OpenOptions, signal?: AbortSignal): Promise<OpenResult> {
  await using folder = await TemporaryFolder.open();
  const path = folder.join('storage');
  const { vault, acknowledged } = await fillAndKill(path, { seed, bytes, signal });
  const cold = dropCaches();
  const startedMs = performance.now();
  await using storage = await Storage.open({
    path,
    packBytes: 64 * 1024 * 1024,
    reserve: 0,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    onFatal: (error) => {
      throw error;
    },
  });
  const openMs = performance.now() - startedMs;
  const head = await storage.head(vault);
  assert((head?.seq ?? 0) >= acknowledged, `${acknowledged} commits were acknowledged, ${head?.seq} are there`);
  const stored = globSync(join(path, 'users/*/*/*.pack')).reduce((sum, pack) => sum + statSync(pack).size, 0);
  return { storedBytes: stored, commits: head?.seq ?? 0, cold, openMs };
}

interface Filling extends OpenOptions {
  readonly signal: AbortSignal | undefined;
}

/** The vault, and the last of its commits that was acknowledged. */
async function fillAndKill(
  path: string,
  { seed, bytes, signal }: Filling,
): Promise<{ readonly vault: VaultId; readonly acknowledged: number }> {
  const script = fileURLToPath(new URL('fill-and-die.ts', import.meta.url));
  const command = ['--conditions=source', '--import=tsx', script, path, String(bytes)];
  await using child = new Child([process.execPath, ...command], {
    env: cleanEnvironment(path),
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    diesWithUs: true,
    ...(signal && { signal }),
  });
  await child.line(/^full$/, { timeoutMs: 3_600_000 });
  await setTimeout(new Seeded(seed).below(400));
  child.kill('SIGKILL');
  const { stdout } = await child.finished;
  const acknowledged = Number(/acknowledged (\d+)\n(?!.*acknowledged)/s.exec(stdout)?.[1] ?? 0);
  return { vault: fromHex(/^vault ([0-9a-f]{64})$/m.exec(stdout)?.[1] ?? ''), acknowledged };
}

/** Linux, as root: files are read from the disk again. */
function dropCaches(): boolean {
  try {
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}
