import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTrees, startVault } from '../../src/index.ts';
import type { Coffer, CofferResult, Vault } from '../../src/index.ts';
import type { SyncReport } from '@coffer/sync';
import { Seeded } from '../seeded.ts';
import { mischief, nuisances } from './mischief.ts';
import type { Mischief } from './mischief.ts';
import { RogueDevice } from './rogue-device.ts';
import type { StoredFile } from './rogue-device.ts';

export interface HostileOptions {
  readonly seed: number;
  /** The honest device pulls after each piece of mischief; else once after all. */
  readonly pullsOften: boolean;
}

export interface HostileResult {
  readonly pieces: number;
  readonly commits: number;
  readonly voids: number;
  readonly skips: number;
  readonly pulls: number;
}

/**
 * A device with valid keys fills the vault of its account with mischief, on a real daemon; an honest device of the
 * account pulls. Nothing is written outside its folder, inside stands exactly what the rules let in, the author is named,
 * and both devices, and one that comes later, go on.
 * @throws AssertionError when not
 */
export async function hostileDevice(
  { seed, pullsOften }: HostileOptions,
  signal?: AbortSignal,
): Promise<HostileResult> {
  await using vault = await startVault();
  const scene = new Scene(vault);
  await scene.prepare(new Seeded(seed));
  await using rogue = await RogueDevice.open(vault.user.device);
  const counts = { pieces: 0, commits: 0, voids: 0, skips: 0, pulls: 0 };
  const parts = { rogue, stored: await rogue.lastStoredFile(), counts };
  for (const group of groupsOf(mischief, pullsOften)) {
    signal?.throwIfAborted();
    await scene.harmless(group, parts);
  }
  for (const group of groupsOf(nuisances, pullsOften)) {
    signal?.throwIfAborted();
    await scene.annoying(group, parts);
  }
  await scene.goesOn();
  return counts;
}

interface Parts {
  readonly rogue: RogueDevice;
  readonly stored: StoredFile;
  readonly counts: { -readonly [Key in keyof HostileResult]: HostileResult[Key] };
}

function groupsOf(pieces: readonly Mischief[], pullsOften: boolean): readonly (readonly Mischief[])[] {
  return pullsOften ? pieces.map((piece) => [piece]) : [pieces];
}

/** The honest device: its folder, what lies around it, and what must stand in it by now. */
class Scene {
  readonly #vault: Vault;
  readonly #folder: string;
  readonly #copy: string;
  readonly #expected = new Map<string, string>([['seed', 'file']]);
  #victim: Coffer | undefined;
  #before = '';

  constructor(vault: Vault) {
    this.#vault = vault;
    this.#folder = vault.folder.join('desk');
    this.#copy = join(this.#folder, 'copy');
  }

  /** Both devices are in, one file is stored, and beside the honest folder lies something worth attacking. */
  async prepare(seeded: Seeded): Promise<void> {
    const { user, folder } = this.#vault;
    mkdirSync(join(this.#folder, 'outside', 'directory'), { recursive: true });
    writeFileSync(join(this.#folder, 'outside', 'precious'), 'untouched');
    writeFileSync(join(this.#folder, 'beside'), 'untouched');
    writeFileSync(folder.join('seed'), seeded.bytes(5000));
    await user.device.json(['put', folder.join('seed'), '/']);
    this.#victim = await this.#vault.device();
    this.#before = this.#around();
    await this.#pull();
  }

  async harmless(group: readonly Mischief[], { rogue, stored, counts }: Parts): Promise<void> {
    const told = { voids: 0, skips: 0 };
    for (const { commits, voids = 0, skips = 0, lays = {} } of group) {
      counts.commits += await appendAll(rogue, commits(stored));
      told.voids += voids;
      told.skips += skips;
      for (const [path, what] of Object.entries(lays)) this.#expected.set(path, what);
    }
    counts.pieces += group.length;
    counts.voids += told.voids;
    counts.skips += told.skips;
    counts.pulls += 1;
    const name = nameOf(group);
    const { exitCode, stderr } = await this.#pull();
    assert.equal(exitCode, 0, `${name}\n${stderr}`);
    checkWarnings(stderr, { ...told, name, author: rogue.deviceName });
    this.#check(name);
  }

  /** What cannot be laid down is told by path, and taken back. */
  async annoying(group: readonly Mischief[], { rogue, stored, counts }: Parts): Promise<void> {
    const name = nameOf(group);
    for (const { commits } of group) counts.commits += await appendAll(rogue, commits(stored));
    const { exitCode, json, stderr } = await this.#pull();
    const { errors = [], failed } = (json ?? {}) as Partial<SyncReport>;
    assert(exitCode !== null && [0, 9, 10].includes(exitCode), `${name}: exit code ${exitCode}\n${stderr}`);
    const expected = group.flatMap(({ fails = [] }) => fails);
    assert.deepEqual(errors.map(({ code }) => code).toSorted(), expected.toSorted(), name);
    assert.equal(failed, expected.length, name);
    assert.equal(this.#around(), this.#before, name);
    for (const { undo } of group) counts.commits += await appendAll(rogue, undo?.(stored) ?? []);
    const healed = await this.#pull();
    assert.equal(healed.exitCode, 0, `${name}, taken back\n${healed.stdout.slice(0, 2000)}${healed.stderr}`);
    this.#check(`${name}, taken back`);
    counts.pieces += group.length;
    counts.pulls += 2;
  }

  /** Whoever writes next repairs what the server believed; whoever comes later sees the same. */
  async goesOn(): Promise<void> {
    const { folder, machine, storage, user } = this.#vault;
    await this.#honest().json(['put', folder.join('seed'), '/afterwards']);
    await user.device.json(['mkdir', '/the rogue as well']);
    this.#expected.set('afterwards', 'file').set('the rogue as well', 'directory');
    assert.equal((await this.#pull()).exitCode, 0);
    this.#check('afterwards');
    const later = await this.#vault.device();
    const second = folder.join('second copy');
    await later.run(['sync', second, '/', '--mode', 'pull', '--json']);
    assert.deepEqual(compareTrees(this.#copy, second), [], 'a device that came later');
    for (const command of [
      ['verify', '/'],
      ['find', '*'],
      ['du', '/'],
    ])
      await later.json(command);
    const check = await machine.json(['admin', 'check', '--read-data', '--storage', storage]);
    assert.deepEqual(check, { clean: true, findings: [] });
  }

  #honest(): Coffer {
    if (this.#victim === undefined) throw new TypeError('not prepared');
    return this.#victim;
  }

  async #pull(): Promise<CofferResult> {
    return await this.#honest().run(['sync', this.#copy, '/', '--mode', 'pull', '--delete', '--force', '--json']);
  }

  #check(name: string): void {
    assert.equal(this.#around(), this.#before, `${name}: outside`);
    const found = Object.fromEntries(listed(this.#copy).toSorted(byPath));
    assert.deepEqual(found, Object.fromEntries([...this.#expected].toSorted(byPath)), name);
  }

  /** What is to be left alone: around the folder, and where absolute names aim. */
  #around(): string {
    const around = [readdirSync(this.#folder).filter((name) => name !== 'copy'), listed(join(this.#folder, 'outside'))];
    const contents = ['outside/precious', 'beside'].map((path) => readFileSync(join(this.#folder, path), 'utf8'));
    const planted = ['/planted', '/tmp/planted'].filter((path) => existsSync(path));
    return JSON.stringify([around, contents, planted]);
  }
}

async function appendAll(rogue: RogueDevice, commits: ReturnType<Mischief['commits']>): Promise<number> {
  for (const commit of commits) await rogue.append(commit);
  return commits.length;
}

function checkWarnings(
  stderr: string,
  { voids, skips, name, author }: { voids: number; skips: number; name: string; author: string },
): void {
  const warnings = stderr.split('\n').filter((line) => line.includes('"warning"'));
  const expected = [
    ...(voids > 0 ? [`${voids} ${voids === 1 ? 'commit' : 'commits'} of "${author}"`] : []),
    ...(skips > 0 ? [`${skips} ${skips === 1 ? 'operation' : 'operations'} of "${author}"`] : []),
  ];
  const said = warnings.map((line) => (JSON.parse(line) as { warning: string }).warning);
  assert.equal(said.length, expected.length, `${name}\n${stderr}`);
  said.forEach((text, index) =>
    assert(text.startsWith(expected[index] ?? ''), `${name}: ${text}, not ${expected[index]}`),
  );
}

function nameOf(group: readonly Mischief[]): string {
  return group.length === 1 ? (group[0]?.name ?? '') : `${group.length} pieces of mischief`;
}

function byPath([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

/** Path below the folder and what stands there. Not `recursive`: that follows links. */
function listed(folder: string): (readonly [string, string])[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const what = kindOf(join(folder, name));
    const below = what === 'directory' ? listed(join(folder, name)) : [];
    return [[name, what], ...below.map(([path, kind]) => [`${name}/${path}`, kind] as const)];
  });
}

function kindOf(path: string): string {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  return stats.isDirectory() ? 'directory' : 'file';
}
