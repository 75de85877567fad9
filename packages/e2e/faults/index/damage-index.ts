import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import type { SyncReport } from '@coffer/sync';
import { compareTrees, startVault } from '../../src/index.ts';
import type { Coffer, Vault } from '../../src/index.ts';
import { RestlessFolder } from '../kill/restless-folder.ts';
import { Seeded } from '../seeded.ts';
import type { Damage } from './damages.ts';
import { indexOf } from './damages.ts';

export interface DamageOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Each round takes the next one. */
  readonly damages: readonly Damage[];
}

/** How a damaged index was met: the start mended it, refused it, or did not see it until `check` did. */
type Outcome = 'mended at start' | 'refused at start' | 'found by check';

export interface DamageResult {
  readonly outcomes: readonly { readonly damage: string; readonly outcome: Outcome }[];
}

/**
 * Damages index.db and starts the daemon: it serves everything that was acknowledged, at once or after
 * `admin rebuild-index`, and its storage is in order.
 * @throws AssertionError when it does not
 */
export async function damageIndex(options: DamageOptions, signal?: AbortSignal): Promise<DamageResult> {
  await using vault = await startVault({ serveEnv: { COFFER_STORAGE_PACK_BYTES: '5MiB' } });
  const seeded = new Seeded(options.seed);
  const works = await worksOf(vault, seeded);
  const older = vault.folder.join('index of before');
  const outcomes: { damage: string; outcome: Outcome }[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    signal?.throwIfAborted();
    await end(vault, seeded);
    if (round === 0) copyFileSync(indexOf(vault.storage), older);
    const damage = options.damages[round % options.damages.length];
    if (damage === undefined) throw new RangeError('no damages were given');
    damage.make({ storage: vault.storage, older }, seeded);
    const outcome = await meet(vault, damage.name);
    outcomes.push({ damage: damage.name, outcome });
    await checkStorage(vault, damage.name);
    for (const work of works) await work.check(`index.db ${damage.name}`);
  }
  return { outcomes };
}

async function worksOf(vault: Vault, seeded: Seeded): Promise<readonly Work[]> {
  const other = await vault.addUser('other');
  const works = [vault.user, other].map(async (person, index) => {
    const folder = new RestlessFolder(vault.folder.join(`work ${index}`), seeded.branch(index));
    const work = new Work({
      folder,
      desk: person.device,
      laptop: await vault.device(person),
      copy: `${folder.path} copy`,
    });
    await work.goOn();
    return work;
  });
  return await Promise.all(works);
}

/** With a log that was not taken over, or without. */
async function end({ daemon }: Vault, seeded: Seeded): Promise<void> {
  await (seeded.chance(0.5) ? daemon.kill9() : daemon.stop());
}

async function meet(vault: Vault, damage: string): Promise<Outcome> {
  const refusal = await start(vault);
  if (refusal === undefined) {
    if ((await check(vault)).exitCode === 0) return 'mended at start';
    await vault.daemon.stop();
    await rebuild(vault);
    return 'found by check';
  }
  assert.match(refusal, /damaged/, `a start with index.db ${damage} says what is wrong`);
  await rebuild(vault);
  return 'refused at start';
}

/** What it said when it did not start. */
async function start({ daemon }: Vault): Promise<string | undefined> {
  try {
    await daemon.restart();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

async function rebuild(vault: Vault): Promise<void> {
  await vault.machine.json(['admin', 'rebuild-index', '--storage', vault.storage]);
  await vault.daemon.restart();
}

async function check(vault: Vault) {
  return await vault.machine.run(['admin', 'check', '--read-data', '--storage', vault.storage, '--json']);
}

async function checkStorage(vault: Vault, damage: string): Promise<void> {
  const { exitCode, json, stderr } = await check(vault);
  assert.deepEqual([exitCode, json], [0, { clean: true, findings: [] }], `${damage}\n${stderr}`);
}

interface WorkParts {
  readonly folder: RestlessFolder;
  readonly desk: Coffer;
  readonly laptop: Coffer;
  readonly copy: string;
}

/** One account's folder, the device that pushes it, and the one that brings it down. Both remember what they saw. */
class Work {
  readonly #parts: WorkParts;
  #versions = 0;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  /** Edits and pushes. */
  async goOn(): Promise<void> {
    const { folder, desk } = this.#parts;
    folder.edit();
    const report = await desk.json<SyncReport>(['sync', folder.path, '/work', '--delete', '--force']);
    assert.equal(report.failed, 0);
    this.#versions = (await desk.json<{ versions: number }>(['usage'])).versions;
  }

  /** Everything is there, nothing has to be sent again, and work goes on. */
  async check(when: string): Promise<void> {
    const { folder, desk, laptop, copy } = this.#parts;
    rmSync(copy, { recursive: true, force: true });
    await laptop.json(['sync', copy, '/work', '--mode', 'pull', '--force']);
    assert.deepEqual(compareTrees(folder.path, copy), [], when);
    const again = await desk.json<SyncReport>(['sync', folder.path, '/work', '--delete']);
    assert.deepEqual([again.sent, again.modified, again.removed, again.bytesSent], [0, 0, 0, 0], when);
    assert.equal((await desk.json<{ versions: number }>(['usage'])).versions, this.#versions, when);
    await this.goOn();
  }
}
