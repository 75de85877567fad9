import { silentLogger, systemClock, systemRandom } from '@coffer/core';
import { TestAccount, TestVault } from '@coffer/journal/testing';
import type { TestDevice } from '@coffer/journal/testing';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
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
  /** Another, empty folder. */
  readonly spare: string;
  readonly logger = silentLogger;
  readonly fatal: unknown[] = [];
  readonly owner = new TestAccount(1);
  readonly device: TestDevice = this.owner.enroll();
  readonly home = new TestVault({ owner: this.owner });
  readonly #root: string;
  #options: BenchOptions = {};
  #storage: Storage | undefined;

  private constructor(root: string) {
    this.#root = root;
    this.path = join(root, 'storage');
    this.spare = join(root, 'spare');
  }

  static async open(options: BenchOptions = {}): Promise<StorageBench> {
    const bench = new StorageBench(await mkdtemp(join(tmpdir(), 'coffer-storage-')));
    await mkdir(bench.spare);
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
    this.#options = { ...this.#options, ...options };
    this.#storage = await this.openAgain(this.path);
    return this.#storage;
  }

  /** One more storage on the folder. */
  async openAgain(path: string = this.path): Promise<Storage> {
    const onFatal = (error: unknown): void => void this.fatal.push(error);
    const openFacts = (file: string): Promise<Facts> => SqliteFacts.open(file, { thread: 'same' });
    const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, openFacts };
    return Storage.open({ packBytes: 64 * 1024 * 1024, reserve: 0.0001, ...deps, onFatal, ...this.#options, path });
  }

  async removeIndex(): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) await rm(join(this.path, `index.db${suffix}`), { force: true });
  }

  async removePacks(kind: 'chunks' | 'journal'): Promise<void> {
    await rm(join(this.path, 'users', this.owner.account.toHex(), kind), { recursive: true });
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
    await rm(this.#root, { recursive: true, force: true });
  }
}
