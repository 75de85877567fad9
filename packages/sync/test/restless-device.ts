import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { syncOnce } from '../src/index.ts';
import type { PlanLine, SyncReport } from '../src/index.ts';
import { DeviceVault } from './device-vault.ts';
import type { FakeVault } from './fake-vault.ts';
import type { TemporaryFolder } from './folder-tools.ts';

/** A change as a person makes it, at a path of names joined by slashes. */
export interface Change {
  readonly kind: 'write' | 'remove' | 'rename' | 'directory' | 'replace' | 'mode';
  readonly path: string;
  readonly to: string;
}

/** What people wrote, and what of it somebody knowingly overwrote or removed where he saw it. */
export class WrittenContents {
  readonly #alive = new Set<string>();
  #count = 0;

  get alive(): ReadonlySet<string> {
    return this.#alive;
  }

  next(): { readonly text: string; readonly number: number } {
    this.#count += 1;
    const text = `content ${this.#count}`;
    this.#alive.add(text);
    return { text, number: this.#count };
  }

  drop(text: string): void {
    this.#alive.delete(text);
  }
}

/** Times that people give are long past, and unique: so nothing has to rest before it is trusted. */
const firstTimeSeconds = 1_700_000_000;
const rested: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 5000, sleep: async () => undefined };

/** One device in a simulation: a folder in which somebody works, and a two-way job. */
export class RestlessDevice {
  readonly folder: string;
  readonly vault: DeviceVault;
  readonly #contents: WrittenContents;
  readonly #state: string;
  readonly #name: string;

  constructor(
    shared: FakeVault,
    { number, temporary, contents }: { number: number; temporary: TemporaryFolder; contents: WrittenContents },
  ) {
    this.#name = `device ${number}`;
    this.folder = temporary.at(this.#name);
    this.#state = temporary.at(`state ${number}`);
    this.vault = new DeviceVault(shared, number);
    this.#contents = contents;
    mkdirSync(this.folder);
  }

  /** What cannot be done is not done. */
  change({ kind, path, to }: Change): void {
    const at = join(this.folder, path);
    const there = lookAt(at);
    if (kind === 'write' && there?.isDirectory() !== true) this.#write(at);
    else if (kind === 'directory') this.#mkdir(at);
    else if (there === undefined) return;
    else if (kind === 'remove') this.#remove(at);
    else if (kind === 'rename') this.#rename(at, join(this.folder, to));
    else if (kind === 'mode' && there.isFile()) this.#stamp(at, there.mode ^ 0o100);
    else if (kind === 'replace') {
      this.#remove(at);
      if (there.isDirectory()) this.#write(at);
      else this.#mkdir(at);
    }
  }

  async sync(): Promise<SyncReport> {
    return await this.#run({});
  }

  async plan(): Promise<readonly string[]> {
    const lines: string[] = [];
    const onPlan = ({ to, action, path, reason }: PlanLine): number =>
      lines.push(`${this.#name}, ${to}: ${action} ${path}: ${reason}`);
    await this.#run({ dryRun: true, onPlan });
    return lines;
  }

  async #run(options: { readonly dryRun?: boolean; readonly onPlan?: (line: PlanLine) => void }): Promise<SyncReport> {
    return await syncOnce({
      ...options,
      vault: this.vault,
      local: this.folder,
      path: '/docs',
      mode: 'two-way',
      stateDirectory: this.#state,
      deviceName: this.#name,
      force: true,
      clock: rested,
    });
  }

  #write(at: string): void {
    if (!this.#mkdir(dirname(at))) return;
    if (existsSync(at)) this.#contents.drop(readFileSync(at, 'utf8'));
    const { text, number } = this.#contents.next();
    writeFileSync(at, text);
    utimesSync(at, firstTimeSeconds + number, firstTimeSeconds + number + 0.5);
  }

  #mkdir(at: string): boolean {
    try {
      mkdirSync(at, { recursive: true });
      return true;
    } catch {
      return false;
    }
  }

  #rename(at: string, to: string): void {
    if (existsSync(to) || `${to}/`.startsWith(`${at}/`) || !existsSync(dirname(to))) return;
    if (lstatSync(dirname(to)).isDirectory()) renameSync(at, to);
  }

  #remove(at: string): void {
    for (const file of filesBelow(at)) this.#contents.drop(readFileSync(file, 'utf8'));
    rmSync(at, { recursive: true });
  }

  /** A change of the mode alone changes ctime, which has ticks: the time makes it visible. */
  #stamp(at: string, mode: number): void {
    const text = readFileSync(at, 'utf8');
    const { mtimeMs } = lstatSync(at);
    rmSync(at);
    writeFileSync(at, text, { mode: mode & 0o777 });
    utimesSync(at, mtimeMs / 1000, mtimeMs / 1000);
  }
}

/** Also below a file there is nothing. */
function lookAt(at: string): Stats | undefined {
  try {
    return lstatSync(at);
  } catch {
    return undefined;
  }
}

function filesBelow(at: string): readonly string[] {
  if (!lstatSync(at).isDirectory()) return [at];
  const entries = readdirSync(at, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
