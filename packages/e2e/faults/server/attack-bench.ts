import assert from 'node:assert/strict';
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { VaultId } from '@coffer/core';
import { compareTrees, freePort, startVault } from '../../src/index.ts';
import type { Coffer, CofferResult, Vault } from '../../src/index.ts';
import { Seeded } from '../seeded.ts';
import type { Attack, Scene } from './attack.ts';
import { openLyingServer } from './lying-server.ts';
import { prepareBench } from './prepare-bench.ts';

/** What is put back before each attack. The victim's folder is not: copies are no files that it knows. */
const spoilable = ['storage', 'certs', 'victim'] as const;

interface BenchParts {
  readonly vault: Vault;
  readonly seeded: Seeded;
  readonly victim: Coffer;
  readonly otherVault: VaultId;
  readonly otherPort: number;
}

/**
 * A victim that knows a vault, news that it has not pulled yet, and a server that anybody may have taken over. Each
 * attack finds all of it as it was.
 */
export class AttackBench implements AsyncDisposable {
  readonly #parts: BenchParts;

  private constructor(parts: BenchParts) {
    this.#parts = parts;
  }

  static async open(seed: number): Promise<AttackBench> {
    await using building = new AsyncDisposableStack();
    const vault = building.use(await startVault());
    const seeded = new Seeded(seed);
    const victim = await vault.device();
    const otherVault = await prepareBench(vault, { seeded, victim });
    building.move();
    return new AttackBench({ vault, seeded, victim, otherVault, otherPort: await freePort() });
  }

  /** @throws AssertionError when the attack works */
  async run(attack: Attack): Promise<void> {
    const scene = this.#scene();
    this.#putBack();
    await this.#look(scene);
    await attack.prepare?.(scene);
    const result = await this.#struck(attack, scene);
    judge(attack, result);
    this.#checkDisk(attack);
    if (attack.heals !== false) await this.#checkHealing(attack, scene);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.vault[Symbol.asyncDispose]();
  }

  /** The victim gets to know the vault as it was before the news. */
  async #look(scene: Scene): Promise<void> {
    const storage = this.#parts.vault.folder.join('storage of before');
    await using _server = await openLyingServer({ ...scene, storage });
    const { exitCode, stderr } = await pull(scene);
    assert.equal(exitCode, 0, stderr);
  }

  async #struck(attack: Attack, scene: Scene): Promise<CofferResult> {
    const { storage, certs, port } = scene;
    const interposer = attack.lie?.(scene);
    await using _server = await (attack.serve?.(scene) ?? openLyingServer({ storage, certs, port, interposer }));
    return await (attack.act?.(scene) ?? pull(scene));
  }

  /** Every file is one that its owner wrote, whole, and nothing else lies about. */
  #checkDisk({ name, outcome }: Attack): void {
    const { folder } = this.#parts.vault;
    const truths = [folder.join('work'), folder.join('before')];
    for (const path of filesBelow(folder.join('copy'))) {
      const isTrue = truths.some((truth) => isSame(join(truth, path), folder.join('copy', path)));
      assert(isTrue, `${name}: wrong bytes on disk: ${path}`);
    }
    if (outcome.kind === 'complete') assert.deepEqual(compareTrees(folder.join('work'), folder.join('copy')), [], name);
    // What is kept of before is a copy, whose times are coarser.
    const coarse = { times: 's', folderTimes: false, linkTimes: false } as const;
    if (outcome.kind === 'as before')
      assert.deepEqual(compareTrees(folder.join('before'), folder.join('copy'), coarse), [], name);
  }

  /** A lie leaves no mark: with an honest server the victim has everything. */
  async #checkHealing({ name }: Attack, scene: Scene): Promise<void> {
    await using _server = await openLyingServer(scene);
    const result = await pull(scene);
    assert.equal(result.exitCode, 0, `${name}, then honest: ${result.stderr}`);
    const { folder } = this.#parts.vault;
    assert.deepEqual(compareTrees(folder.join('work'), folder.join('copy')), [], `${name}, then honest`);
  }

  #scene(): Scene {
    const { vault, seeded, victim, otherVault, otherPort } = this.#parts;
    return {
      seeded,
      storage: vault.folder.join('storage'),
      olderStorage: vault.folder.join('older'),
      forkedStorage: vault.folder.join('forked'),
      certs: vault.folder.join('certs'),
      port: vault.daemon.port,
      otherPort,
      otherVault,
      machine: vault.machine,
      scratch: vault.folder.join('scratch'),
      victim: { device: victim, credentials: vault.user, copy: vault.folder.join('copy'), small: '/work/small' },
    };
  }

  #putBack(): void {
    const { vault, victim } = this.#parts;
    for (const name of ['scratch', 'copy']) rmSync(vault.folder.join(name), { recursive: true, force: true });
    for (const name of spoilable) {
      const target = name === 'victim' ? victim.home : vault.folder.join(name);
      rmSync(target, { recursive: true, force: true });
      cpSync(vault.folder.join('kept', name), target, {
        recursive: true,
        preserveTimestamps: true,
        verbatimSymlinks: true,
      });
    }
  }
}

async function pull({ victim }: Scene): Promise<CofferResult> {
  return await victim.device.run(['sync', victim.copy, '/work', '--mode', 'pull', '--delete', '--force', '--json']);
}

function judge({ name, outcome }: Attack, result: CofferResult): void {
  const codes = codesOf(result);
  const seen = `${name}: exit code ${result.exitCode}, ${codes.join(' ')}\n${result.stderr}${result.stdout}`.slice(
    0,
    2000,
  );
  if (outcome.kind !== 'refused') return assert.equal(result.exitCode, 0, seen);
  assert.equal(result.exitCode, outcome.exitCode, seen);
  assert(codes.length > 0 && codes.every((code) => (outcome.codes as readonly string[]).includes(code)), seen);
}

/** Of the command as a whole, or of each path that failed. */
function codesOf({ error, json }: CofferResult): readonly string[] {
  if (error !== undefined) return [error.code];
  const { errors, damaged } = (json ?? {}) as Partial<
    Record<'errors' | 'damaged', readonly { readonly code: string }[]>
  >;
  return [...(errors ?? []), ...(damaged ?? [])].map(({ code }) => code);
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  if (a === undefined || b === undefined || a.isSymbolicLink() !== b.isSymbolicLink()) return false;
  if (a.isSymbolicLink()) return readlinkSync(left) === readlinkSync(right);
  return a.isFile() && b.isFile() && readFileSync(left).equals(readFileSync(right));
}
