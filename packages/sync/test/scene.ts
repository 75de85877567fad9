import { mkdirSync } from 'node:fs';
import { syncOnce } from '../src/index.ts';
import type { JobOptions, SyncMode, SyncOptions, SyncReport } from '../src/index.ts';
import { FakeVault } from './fake-vault.ts';
import { TemporaryFolder } from './folder-tools.ts';

/** The counts of a run that finds nothing at all. */
export const zero = {
  sent: 0,
  modified: 0,
  removed: 0,
  received: 0,
  receivedModified: 0,
  receivedRemoved: 0,
  moved: 0,
  unchanged: 0,
  conflicts: 0,
  healed: 0,
  failed: 0,
};

/** A folder, a vault and a job between them, with the counts of a run for short. */
export class Scene implements Disposable {
  readonly temporary = new TemporaryFolder();
  readonly vault: FakeVault;
  readonly folder: string;

  constructor(vault = new FakeVault()) {
    this.vault = vault;
    this.folder = this.temporary.at('folder');
    mkdirSync(this.folder);
  }

  write(name: string, text: string): void {
    this.temporary.write(`folder/${name}`, text);
  }

  at(name: string): string {
    return this.temporary.at('folder', name);
  }

  async run(mode: SyncMode, options: Partial<SyncOptions> = {}): Promise<SyncReport> {
    return await syncOnce({ ...this.options(mode), ...options });
  }

  options(mode: SyncMode): JobOptions {
    return {
      vault: this.vault,
      local: this.folder,
      path: '/docs',
      mode,
      stateDirectory: this.temporary.at('jobs'),
      deviceName: 'laptop',
      device: new Uint8Array(16).fill(1),
    };
  }

  async counts(mode: SyncMode, options: Partial<SyncOptions> = {}) {
    const { bytesRead, bytesSent, bytesReceived, elapsedMs, errors, ...counts } = await this.run(mode, options);
    if (Math.min(bytesRead, bytesSent, bytesReceived, elapsedMs, errors.length) < 0)
      throw new Error('a count below zero');
    return counts;
  }

  [Symbol.dispose](): void {
    this.temporary[Symbol.dispose]();
  }
}
