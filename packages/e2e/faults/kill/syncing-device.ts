import { setTimeout } from 'node:timers/promises';
import type { SyncReport } from '@coffer/sync';
import type { Coffer, CofferResult } from '../../src/index.ts';
import type { RestlessFolder, Snapshot } from './restless-folder.ts';

/** A sync that ended with exit code 0: at this moment the vault held exactly this. */
export interface Acknowledged {
  readonly atMs: number;
  readonly snapshot: Snapshot;
}

/** Server away, or on its way down: what a client may say while the daemon is killed. */
const expectedExit = 8;
/** Between two tries while the server is away: it needs the processor to come back, and eight commands that start take all of it. */
const pauseMs = 2000;

/** A device on which somebody works and syncs, again and again, and the book of what was acknowledged. */
export class SyncingDevice {
  readonly #coffer: Coffer;
  readonly folder: RestlessFolder;
  /** Where in the vault. */
  readonly path: string;
  readonly book: Acknowledged[] = [];
  /** Runs that ended because the server was away. */
  unreachable = 0;
  /** True while `coffer sync` runs. */
  isSyncing = false;

  constructor(coffer: Coffer, { folder, path }: { readonly folder: RestlessFolder; readonly path: string }) {
    this.#coffer = coffer;
    this.folder = folder;
    this.path = path;
  }

  /** Edits and syncs until the signal. @throws Error when a run ends in a way that a killed server does not explain */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.folder.edit();
      if (!(await this.sync())) await setTimeout(pauseMs);
    }
  }

  /** One run; false when the server was away. @throws Error as {@link work} */
  async sync(): Promise<boolean> {
    const snapshot = this.folder.snapshot();
    this.isSyncing = true;
    const args = ['sync', this.folder.path, this.path, '--delete', '--force', '--json'];
    const result = await this.#coffer.run(args).finally(() => (this.isSyncing = false));
    if (result.exitCode === expectedExit) {
      this.unreachable += 1;
      return false;
    }
    const report = result.json as SyncReport | undefined;
    if (result.exitCode !== 0 || report?.failed !== 0) throw new Error(describe(this.path, result));
    this.book.push({ atMs: Date.now(), snapshot });
    return true;
  }
}

function describe(path: string, { exitCode, stdout, stderr }: CofferResult): string {
  return `sync of ${path}: exit code ${exitCode}\n${stderr}${stdout}`.slice(0, 4000);
}
