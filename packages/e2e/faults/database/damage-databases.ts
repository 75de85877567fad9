import assert from 'node:assert/strict';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { isCofferError, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { backupAccounts, checkStorage, rebuildIndex, restoreStorage, Storage } from '@coffer/storage';
import type { AccountRecord, Finding } from '@coffer/storage';
import { StorageWorkload } from '@coffer/storage/testing';
import { TemporaryFolder } from '../../src/index.ts';
import type { Damage, DatabaseName } from '../index/damages.ts';
import { damagesOf } from '../index/damages.ts';
import { Seeded } from '../seeded.ts';

export interface DamageDatabasesOptions {
  readonly seed: number;
  readonly cases: number;
  /** Names of damages; all when left out. */
  readonly only?: readonly string[];
}

/** How a damaged database was met. `whole`: nothing was missing, whatever was done to the file. */
type Outcome = 'refused at start' | 'found by check' | 'whole';

/** How its process left the storage: a kill leaves both databases with their logs, a stop without. */
type Left = 'killed' | 'stopped';

export interface DamagedDatabase {
  readonly left: Left;
  readonly database: DatabaseName;
  readonly damage: string;
  readonly outcome: Outcome;
}

const packBytes = 64 * 1024;
const steps = 8;
const databases: readonly DatabaseName[] = ['index.db', 'accounts.db'];
const ways: readonly Left[] = ['killed', 'stopped'];

/**
 * Damages both databases of a storage whose process was killed, or stopped, one of them in one way in each case. What is damaged is
 * mended as the manual says (`rebuild-index`, `restore`), and everything that was acknowledged is there.
 * @throws AssertionError when it is not
 */
export async function damageDatabases(
  { seed, cases, only }: DamageDatabasesOptions,
  signal?: AbortSignal,
): Promise<readonly DamagedDatabase[]> {
  await using folder = await TemporaryFolder.open();
  const scene = new Scene(folder, seed);
  await scene.begin();
  const seeded = new Seeded(seed);
  const all = ways
    .flatMap((left) => databases.map((database) => ({ left, database })))
    .flatMap((where) => damagesOf(where.database).map((damage) => ({ ...where, damage })))
    .filter(({ damage }) => only?.includes(damage.name) !== false);
  const met: DamagedDatabase[] = [];
  for (let number = 0; number < cases; number += 1) {
    signal?.throwIfAborted();
    const one = all[number % all.length];
    if (one === undefined) throw new TypeError('there are no damages');
    const outcome = await scene.meet(one, seeded);
    met.push({ left: one.left, database: one.database, damage: one.damage.name, outcome });
  }
  return met;
}

interface Case {
  readonly left: Left;
  readonly database: DatabaseName;
  readonly damage: Damage;
}

/** A storage as its process left it, and what it had promised. */
class Scene {
  readonly #folder: TemporaryFolder;
  readonly #workloads: readonly StorageWorkload[];
  #accounts: readonly AccountRecord[] = [];

  constructor(folder: TemporaryFolder, seed: number) {
    this.#folder = folder;
    this.#workloads = [1, 2].map((number) => new StorageWorkload({ seed: seed + number }));
  }

  async begin(): Promise<void> {
    const path = this.#folder.join('first');
    await Storage.init({ path, clock: systemClock, random: systemRandom });
    await this.#fill(path);
    this.#keep(path, 'stopped');
  }

  async #fill(path: string): Promise<void> {
    await using storage = await open(path);
    for (const workload of this.#workloads) await workload.begin(storage);
    await this.#work(storage);
    await backupAccounts({ path, clock: systemClock });
    for (const database of databases) {
      cpSync(path, this.#folder.join('then'), { recursive: true });
      copyFileSync(this.#folder.join('then', database), this.#older(database));
    }
    // Another device each, which the backup does not know, and more work.
    for (const { owner, account } of this.#workloads) {
      owner.enroll();
      await storage.accounts.appendIdentity(account, owner.statements.at(-1) ?? new Uint8Array(0));
    }
    await this.#work(storage);
    this.#accounts = await storage.accounts.list();
    this.#keep(path, 'killed');
  }

  #keep(path: string, left: Left): void {
    cpSync(path, this.#folder.join(left), { recursive: true, filter: (name) => !/lock$|-shm$/.test(name) });
  }

  async meet({ left, database, damage }: Case, seeded: Seeded): Promise<Outcome> {
    const path = this.#folder.join('first');
    rmSync(path, { recursive: true, force: true });
    cpSync(this.#folder.join(left), path, { recursive: true });
    damage.make({ storage: path, older: this.#older(database) }, seeded);
    const what = `${database} of a ${left} process ${damage.name}`;
    const outcome = await this.#outcome(path, what);
    if (outcome !== 'whole') await mend(path, database);
    const when = `${what}, ${outcome}`;
    assert.deepEqual(await this.#lost(path), undefined, when);
    assert.deepEqual(await findings(path), [], when);
    return outcome;
  }

  #older(database: DatabaseName): string {
    return this.#folder.join(`older ${database}`);
  }

  async #work(storage: Storage): Promise<void> {
    for (let step = 0; step < steps; step += 1) for (const workload of this.#workloads) await workload.step(storage);
  }

  async #outcome(path: string, when: string): Promise<Outcome> {
    try {
      await (await open(path))[Symbol.asyncDispose]();
    } catch (error) {
      if (!isCofferError(error, 'DAMAGED', 'IO', 'NOT_FOUND')) throw error;
      return 'refused at start';
    }
    if ((await findings(path)).length > 0) return 'found by check';
    assert.equal(await this.#lost(path), undefined, `${when}: not noticed`);
    return 'whole';
  }

  /** What is not as it was promised. */
  async #lost(path: string): Promise<string | undefined> {
    await using storage = await open(path);
    for (const workload of this.#workloads) await workload.verify(storage);
    for (const { owner, account } of this.#workloads) {
      const known = storage.accounts.identityStatements(account).length;
      if (known !== owner.statements.length) return `${known} of ${owner.statements.length} statements`;
    }
    const accounts = await storage.accounts.list();
    return same(accounts, this.#accounts) ? undefined : 'another list of accounts';
  }
}

function same(left: unknown, right: unknown): boolean {
  try {
    assert.deepEqual(left, right);
    return true;
  } catch {
    return false;
  }
}

const deps = { packBytes, clock: systemClock, random: systemRandom, logger: silentLogger };

async function open(path: string): Promise<Storage> {
  return await Storage.open({
    path,
    reserve: 0,
    ...deps,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** As docs/OPERATIONS.md says. */
async function mend(path: string, database: DatabaseName): Promise<void> {
  if (database === 'index.db') await rebuildIndex({ path, ...deps });
  else await restoreStorage({ path, ...deps, prepare: () => Promise.resolve(({ n }) => Uint8Array.of(n)) });
}

async function findings(path: string): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const finding of checkStorage({ path, readData: true })) found.push(finding);
  return found;
}
