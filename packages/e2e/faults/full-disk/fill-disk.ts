import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { compareTrees, startVault } from '../../src/index.ts';
import type { Coffer, Vault } from '../../src/index.ts';
import { checkStorage } from '../check-storage.ts';
import { writeRandomFile } from '../random-file.ts';
import { Seeded } from '../seeded.ts';
import { SmallFilesystem } from './small-filesystem.ts';

const MiB = 1024 * 1024;

export interface FillDiskOptions {
  readonly seed: number;
  readonly cycles: number;
  /** Of the filesystem that holds the storage; each cycle adds about 1.5 MiB to what is stored. */
  readonly bytes?: number;
}

export interface FillDiskResult {
  readonly refused: number;
  /** Of those, in the middle of an upload that began with room. */
  readonly refusedUnderWay: number;
  readonly logins: number;
  readonly downloads: number;
  readonly removals: number;
  /** From the moment there was room again until an upload was through, one per cycle. */
  readonly recoveredMs: readonly number[];
}

type Counts = { -readonly [Key in Exclude<keyof FillDiskResult, 'recoveredMs'>]: number };

/** What a command says when the server has no room (docs/ERRORS.md). */
const noSpaceExit = 7;
const mostFileBytes = 2 * MiB;
/** The reserve that uploads leave: one twentieth. */
const reserveShare = 20;
const retryMs = 100;
const recoveryMs = 30_000;

/**
 * A small filesystem under a real daemon is filled to the last byte, again and again. Uploads are refused; logins,
 * downloads and removals go on; with room again uploads do too, in the same process. @throws AssertionError
 */
export async function fillDisk(options: FillDiskOptions, signal?: AbortSignal): Promise<FillDiskResult> {
  const bytes = options.bytes ?? 64 * MiB;
  await using filesystem = await SmallFilesystem.mount(bytes);
  await using vault = await startVault({ storage: filesystem.join('storage') });
  const scene = new Scene({ vault, filesystem, seeded: new Seeded(options.seed), reserveBytes: bytes / reserveShare });
  const { pid } = vault.daemon;
  const recoveredMs: number[] = [];
  await scene.begin();
  for (let cycle = 0; cycle < options.cycles; cycle += 1) {
    signal?.throwIfAborted();
    await scene.meetFullDisk(cycle);
    recoveredMs.push(await scene.recover());
    assert(vault.daemon.running && vault.daemon.pid === pid, vault.daemon.said);
  }
  await checkStorage(vault);
  return { ...scene.counts, recoveredMs };
}

interface SceneParts {
  readonly vault: Vault;
  readonly filesystem: SmallFilesystem;
  readonly seeded: Seeded;
  readonly reserveBytes: number;
}

/** A user's folder, its vault, and the disk below. */
class Scene {
  readonly counts: Counts = { refused: 0, refusedUnderWay: 0, logins: 0, downloads: 0, removals: 0 };
  readonly #parts: SceneParts;
  readonly #folder: string;
  /** As the vault has it. */
  readonly #acknowledged: string;
  #removed = 0;

  constructor(parts: SceneParts) {
    this.#parts = parts;
    this.#folder = parts.vault.folder.join('work');
    this.#acknowledged = parts.vault.folder.join('acknowledged');
  }

  /** Files that are there to be removed, and a copy of what the server promised to keep. */
  async begin(): Promise<void> {
    const { vault, seeded } = this.#parts;
    await vault.folder.folder('work');
    for (let file = 0; file < 40; file += 1) this.#write(`small ${file}`, 1 + seeded.below(8192));
    await vault.user.device.json(['sync', this.#folder, '/work']);
    await vault.user.device.json(['sync', this.#acknowledged, '/work', '--mode', 'pull']);
  }

  async meetFullDisk(cycle: number): Promise<void> {
    const { vault, filesystem, seeded, reserveBytes } = this.#parts;
    const fileBytes = mostFileBytes / 2 + seeded.below(mostFileBytes / 2);
    this.#write(`content ${cycle}`, fileBytes);
    // Every other time there is room to begin.
    const underWay = cycle % 2 === 1;
    if (underWay) filesystem.fill(Math.floor(reserveBytes + seeded.below(fileBytes)));
    else filesystem.fill(0);
    await this.#refused();
    if (underWay) this.counts.refusedUnderWay += 1;
    else await this.#logIn();
    await this.#remove();
    // Not even what the server had set aside is left now.
    filesystem.fill(0);
    await this.#refused();
    await this.#download(vault.user.device);
    await this.#removeIfItFits();
  }

  /** Milliseconds from the moment there is room until the refused upload is through. */
  async recover(): Promise<number> {
    const { vault, filesystem } = this.#parts;
    filesystem.makeRoom();
    const startedMs = performance.now();
    while ((await this.#push()) !== 0) {
      assert(performance.now() - startedMs < recoveryMs, 'uploads do not come back');
      await setTimeout(retryMs);
    }
    const recoveredMs = performance.now() - startedMs;
    await vault.user.device.json(['sync', this.#acknowledged, '/work', '--mode', 'pull', '--delete', '--force']);
    assert.deepEqual(compareTrees(this.#folder, this.#acknowledged), []);
    return recoveredMs;
  }

  #write(name: string, bytes: number): void {
    writeRandomFile(join(this.#folder, name), { bytes, seeded: this.#parts.seeded });
  }

  async #push(): Promise<number | null> {
    const { exitCode, error, stderr } = await this.#parts.vault.user.device.run([
      'sync',
      this.#folder,
      '/work',
      '--json',
    ]);
    if (exitCode === noSpaceExit) assert.equal(error?.code, 'NO_SPACE', stderr);
    else assert.equal(exitCode, 0, stderr);
    return exitCode;
  }

  async #refused(): Promise<void> {
    assert.equal(await this.#push(), noSpaceExit, 'an upload without room is refused');
    this.counts.refused += 1;
  }

  async #logIn(): Promise<void> {
    const { vault } = this.#parts;
    const fresh = await vault.device();
    await this.#download(fresh);
    rmSync(fresh.home, { recursive: true });
    this.counts.logins += 1;
  }

  async #remove(): Promise<void> {
    const name = `small ${this.#removed}`;
    this.#removed += 1;
    await this.#parts.vault.user.device.json(['rm', `/work/${name}`]);
    this.#forget(name);
    this.counts.removals += 1;
  }

  /** Without a byte of room a removal may be refused; the server goes on. */
  async #removeIfItFits(): Promise<void> {
    const name = `small ${this.#removed}`;
    const { exitCode, stderr } = await this.#parts.vault.user.device.run(['rm', `/work/${name}`, '--json']);
    assert(exitCode === 0 || exitCode === noSpaceExit, stderr);
    if (exitCode !== 0) return;
    this.#removed += 1;
    this.#forget(name);
    this.counts.removals += 1;
  }

  #forget(name: string): void {
    for (const folder of [this.#folder, this.#acknowledged]) rmSync(join(folder, name));
  }

  async #download(device: Coffer): Promise<void> {
    const copy = `${this.#acknowledged} copy ${this.counts.downloads}`;
    await device.json(['sync', copy, '/work', '--mode', 'pull']);
    assert.deepEqual(compareTrees(this.#acknowledged, copy), []);
    rmSync(copy, { recursive: true });
    this.counts.downloads += 1;
  }
}
