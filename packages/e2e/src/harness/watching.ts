import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Child } from './child.ts';
import type { Coffer } from './coffer.ts';
import type { Vault } from './vault.ts';

const patienceMs = 60_000;

/** Looks until it is so. @throws Error after a minute */
export async function until(wanted: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!wanted()) {
    if (performance.now() > deadline) throw new Error(`did not come: ${what}`);
    await setTimeout(50);
  }
}

/** A line of `sync --watch --json`. */
export interface WatchLine {
  readonly event: string;
  readonly below?: string;
  readonly state?: string;
  readonly code?: string;
  readonly sent?: number;
  readonly removed?: number;
}

export interface WatchingOptions {
  readonly coffer: Coffer;
  /** Of its folder. */
  readonly name: string;
  /** In the vault; `/docs` when left out. */
  readonly path?: string;
  readonly mode?: 'push' | 'pull' | 'two-way';
  readonly args?: readonly string[];
}

/** A device whose folder is watched, and what it says. */
export class Watching implements AsyncDisposable {
  readonly folder: string;
  readonly child: Child;

  constructor(vault: Vault, { coffer, name, path = '/docs', mode = 'two-way', args = [] }: WatchingOptions) {
    this.folder = vault.folder.join(name);
    mkdirSync(this.folder, { recursive: true });
    this.child = coffer.start(['sync', this.folder, path, '--mode', mode, '--watch', '--json', ...args]);
  }

  get lines(): WatchLine[] {
    return this.child.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as WatchLine);
  }

  /** @throws Error when it ended, or complained */
  async says(wanted: (line: WatchLine) => boolean, what: string): Promise<void> {
    await until(() => this.lines.some(wanted) || !this.child.running, what);
    if (!this.child.running || this.child.stderr !== '') throw new Error(this.child.stderr);
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): string | undefined {
    return existsSync(this.at(name)) ? readFileSync(this.at(name), 'utf8') : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}
