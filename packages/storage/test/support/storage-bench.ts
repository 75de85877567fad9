import type { Clock, Logger } from '@coffer/core';
import { silentLogger, systemClock, systemRandom } from '@coffer/core';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import type { TestDevice } from '@coffer/journal/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Facts } from '../../src/facts/facts.ts';
import { SqliteFacts } from '../../src/facts/sqlite-facts.ts';
import { Storage } from '../../src/index.ts';
import type { StorageOptions } from '../../src/index.ts';

export type BenchOptions = Partial<StorageOptions>;

/** A storage in a temporary folder with one account, its device and its home vault. */
export class StorageBench implements AsyncDisposable {
  readonly path: string;
  readonly fatal: unknown[] = [];
  readonly owner = new TestAccount(1);
  readonly device: TestDevice = this.owner.enroll();
  readonly home = new TestVault({ owner: this.owner });
  #storage: Storage | undefined;

  private constructor(path: string) {
    this.path = path;
  }

  static async open(options: BenchOptions = {}): Promise<StorageBench> {
    const bench = new StorageBench(await mkdtemp(join(tmpdir(), 'coffer-storage-')));
    await Storage.init({ path: bench.path, clock: systemClock, random: systemRandom });
    await bench.start(options);
    await bench.addAccount('anna', bench.owner);
    await bench.storage.createVault(bench.home.genesis);
    return bench;
  }

  get storage(): Storage {
    if (!this.#storage) throw new TypeError('the bench is stopped');
    return this.#storage;
  }

  async start(options: BenchOptions = {}): Promise<Storage> {
    const deps: { clock: Clock; logger: Logger } = { clock: systemClock, logger: silentLogger };
    const onFatal = (error: unknown): void => void this.fatal.push(error);
    const openFacts = (path: string): Promise<Facts> => SqliteFacts.open(path, { thread: 'same' });
    const defaults = {
      openFacts,
      path: this.path,
      packBytes: 64 * 1024 * 1024,
      reserve: 0.05,
      random: systemRandom,
      onFatal,
    };
    this.#storage = await Storage.open({ ...defaults, ...deps, ...options });
    return this.#storage;
  }

  async stop(): Promise<void> {
    await this.#storage?.[Symbol.asyncDispose]();
    this.#storage = undefined;
  }

  async addAccount(username: string, account: TestAccount, quotaBytes: number | null = null): Promise<void> {
    const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
    await this.storage.accounts.create({
      username,
      role: 'user',
      ...records,
      quotaBytes,
      identity: account.statements,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.path, { recursive: true, force: true });
  }
}
