import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { SyncReport } from '@coffer/sync';
import { compareTrees, startVault } from '../../src/index.ts';
import type { Child, Coffer, Vault } from '../../src/index.ts';
import { checkStorage } from '../check-storage.ts';
import { RestlessFolder } from '../kill/restless-folder.ts';
import { writeRandomFile } from '../random-file.ts';
import { Seeded } from '../seeded.ts';
import { storedBytes } from '../stored-bytes.ts';

export interface KillClientsOptions {
  readonly seed: number;
  readonly kills: number;
}

export interface KillClientsResult {
  readonly pushes: number;
  readonly pulls: number;
  /** Kills that came when the command had already ended. */
  readonly late: number;
  /** Of what the server had received before the kill, sent again by the next run, one per killed push. */
  readonly resentBytes: readonly number[];
}

const MiB = 1024 * 1024;
const largeBytes = 32 * MiB;
/** What a client sends to be told apart from what the server had: headers of records, journals, padding. */
const slackBytes = MiB / 4;
/** Until what was under way at a kill lies in the packs. */
const settleMs = 500;
const longestLifeMs = 1500;

/**
 * Kills the command line (SIGKILL) at seeded moments of a push or a pull of a large file and of many small changes. The next
 * run ends with both sides equal. @throws AssertionError
 */
export async function killClients(options: KillClientsOptions, signal?: AbortSignal): Promise<KillClientsResult> {
  await using vault = await startVault();
  const seeded = new Seeded(options.seed);
  const folder = new RestlessFolder(vault.folder.join('work'), seeded.branch(1));
  const laptop = await vault.device();
  const result = { pushes: 0, pulls: 0, late: 0, resentBytes: [] as number[] };
  mkdirSync(folder.path, { recursive: true });
  for (let kill = 0; kill < options.kills; kill += 2) {
    signal?.throwIfAborted();
    folder.edit();
    writeRandomFile(join(folder.path, `large ${kill % 2}`), { bytes: largeBytes, seeded: seeded.branch(kill + 10) });
    await killPush(vault, { folder, seeded, result });
    await killPull(vault, { folder, laptop, seeded, result });
  }
  await checkStorage(vault);
  return result;
}

type Counts = { -readonly [Key in 'pushes' | 'pulls' | 'late']: number } & { readonly resentBytes: number[] };

interface Round {
  readonly folder: RestlessFolder;
  readonly seeded: Seeded;
  readonly result: Counts;
}

async function killPush(vault: Vault, { folder, seeded, result }: Round): Promise<void> {
  const { device } = vault.user;
  const args = ['sync', folder.path, '/work', '--delete', '--force', '--json'];
  const before = storedBytes(vault);
  const isKilled = await killed(device.start(args), until(vault, { seeded, before }));
  await setTimeout(settleMs);
  const received = storedBytes(vault) - before;
  const report = await device.json<SyncReport>(args.slice(0, -1));
  assert.equal(report.failed, 0);
  const needed = storedBytes(vault) - before - received;
  result.pushes += 1;
  if (isKilled) result.resentBytes.push(Math.max(0, report.bytesSent - needed - slackBytes));
  else result.late += 1;
}

/** Half of them in the first moments of the process, half when a share of the content has arrived. */
function until(vault: Vault, { seeded, before }: { readonly seeded: Seeded; readonly before: number }) {
  const bytes = seeded.below(largeBytes);
  const lifeMs = seeded.below(longestLifeMs);
  if (seeded.chance(0.3)) return () => setTimeout(lifeMs);
  return async (child: Child): Promise<void> => {
    while (child.running && storedBytes(vault) - before < bytes) await setTimeout(5);
  };
}

async function killPull(
  vault: Vault,
  { folder, laptop, seeded, result }: Round & { readonly laptop: Coffer },
): Promise<void> {
  const copy = vault.folder.join('copy');
  if (seeded.chance(0.1)) rmSync(copy, { recursive: true, force: true });
  const args = ['sync', copy, '/work', '--mode', 'pull', '--delete', '--force', '--json'];
  const lifeMs = seeded.below(longestLifeMs);
  if (!(await killed(laptop.start(args), () => setTimeout(lifeMs)))) result.late += 1;
  result.pulls += 1;
  await laptop.json(args.slice(0, -1));
  assert.deepEqual(compareTrees(folder.path, copy), []);
}

/** False when it ended by itself before. */
async function killed(child: Child, moment: (child: Child) => Promise<unknown>): Promise<boolean> {
  await using _child = child;
  await moment(child);
  child.kill('SIGKILL');
  const { endedBy, exitCode, stderr } = await child.finished;
  assert(endedBy === 'SIGKILL' || exitCode === 0, stderr);
  return endedBy === 'SIGKILL';
}
