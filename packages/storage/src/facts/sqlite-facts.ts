import type { AccountId, VaultId } from '@coffer/core';
import { CofferError, startWorker } from '@coffer/core';
import type { Worker } from 'node:worker_threads';
import type { FactsCall, FactsReply } from './facts-calls.ts';
import { FactsReader } from './facts-reader.ts';
import type { FactsWriter } from './facts-writer.ts';
import type {
  AppendToken,
  ApplyAppend,
  AppliedCommit,
  CheckSegment,
  ChunkPlace,
  ClaimChunks,
  Facts,
  FoundCommit,
  IndexChunks,
  LookUpChunks,
  MembershipFacts,
  PackProgress,
  PrepareAppend,
  Prepared,
  StoredQuestion,
  UsageFacts,
  VaultFacts,
} from './facts.ts';

type Method = FactsCall['method'];

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** {@link Facts} in SQLite: changes on a thread of their own, questions on a read-only connection of this one. */
export class SqliteFacts implements Facts {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #reader: FactsReader | undefined;
  #nextId = 1;
  #ended: Error | undefined;

  private constructor(path: string) {
    this.#worker = startWorker(new URL('./facts-worker.ts', import.meta.url), {
      workerData: { path },
      name: 'coffer-index',
    });
    this.#worker.on('message', (reply: FactsReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => this.#end(new CofferError('IO', 'the writer of the index has ended')));
  }

  /** @throws UPGRADE_REQUIRED, DAMAGED, IO */
  static async open(path: string): Promise<SqliteFacts> {
    const facts = new SqliteFacts(path);
    try {
      await facts.#call('open');
      facts.#reader = new FactsReader(path);
      return facts;
    } catch (error) {
      await facts[Symbol.asyncDispose]();
      throw error;
    }
  }

  indexChunks(batch: IndexChunks): ReturnType<Facts['indexChunks']> {
    return this.#call('indexChunks', batch);
  }

  claimChunks(claim: ClaimChunks): Promise<readonly boolean[]> {
    return this.#call('claimChunks', claim);
  }

  checkSegment(segment: CheckSegment): Promise<Prepared> {
    return this.#call('checkSegment', segment);
  }

  prepareAppend(append: PrepareAppend): Promise<Prepared> {
    return this.#call('prepareAppend', append);
  }

  applyAppend(append: ApplyAppend): Promise<void> {
    return this.#call('applyAppend', append);
  }

  cancelAppend(token: AppendToken): Promise<void> {
    return this.#call('cancelAppend', token);
  }

  advancePacks(packs: readonly PackProgress[]): Promise<void> {
    return this.#call('advancePacks', packs);
  }

  checkpoint(): Promise<void> {
    return this.#call('checkpoint');
  }

  async isComplete(): Promise<boolean> {
    return this.#read.isComplete();
  }

  markComplete(): Promise<void> {
    return this.#call('markComplete');
  }

  noteCommits(commits: readonly FoundCommit[], pack: PackProgress): Promise<void> {
    return this.#call('noteCommits', commits, pack);
  }

  async vaultsToRecover(): Promise<readonly VaultId[]> {
    return this.#read.vaultsToRecover();
  }

  async foundCommits(vault: VaultId, seq: number): Promise<readonly FoundCommit[]> {
    return this.#read.foundCommits(vault, seq);
  }

  async packs(): Promise<readonly PackProgress[]> {
    return this.#read.packs();
  }

  async vault(vault: VaultId): Promise<VaultFacts | undefined> {
    return this.#read.vault(vault);
  }

  async vaultsOf(member: AccountId): Promise<readonly MembershipFacts[]> {
    return this.#read.vaultsOf(member);
  }

  async commits(vault: VaultId, after: number, limit: number): Promise<readonly AppliedCommit[]> {
    return this.#read.commits(vault, after, limit);
  }

  isStored(question: StoredQuestion): boolean {
    return this.#read.isStored(question);
  }

  async readableChunks(look: LookUpChunks): Promise<readonly (ChunkPlace | undefined)[]> {
    return this.#read.readableChunks(look);
  }

  async usage(owner: AccountId): Promise<UsageFacts> {
    return this.#read.usage(owner);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader?.close();
    this.#reader = undefined;
    if (this.#ended) return;
    await this.#call('close').catch(() => undefined);
    this.#end(new CofferError('SHUTTING_DOWN', 'the index is closed'));
    await this.#worker.terminate();
  }

  get #read(): FactsReader {
    if (!this.#reader) throw new CofferError('SHUTTING_DOWN', 'the index is closed');
    return this.#reader;
  }

  #call<Name extends Method>(method: Name, ...args: readonly unknown[]): Promise<ResultOf<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      const call: FactsCall = { id, method, args };
      this.#worker.postMessage(call);
    });
  }

  #settle({ id, result, error }: FactsReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!error) return waiting?.resolve(result);
    const failure = error.code
      ? new CofferError(error.code, error.message, { details: error.details })
      : new TypeError(`the index refused a change: ${error.stack ?? error.message}`);
    waiting?.reject(failure);
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(reason);
  }
}

type ResultOf<Name extends Method> = Name extends keyof FactsWriter ? ReturnType<FactsWriter[Name]> : void;
