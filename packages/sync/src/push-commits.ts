import type { CommitBatch, CommitReport, Uploader, Vault } from '@coffer/client';
import { idKey } from '@coffer/core';
import type { CofferError, EntryId } from '@coffer/core';
import type { BaseWriter } from './base.ts';
import { note } from './base-notes.ts';
import type { BaseNote } from './base-notes.ts';
import type { ByteName } from './byte-name.ts';

/** What is known once a commit with the operation is acknowledged. */
export interface Outcome {
  /** What the base learns, given the commit's position. */
  readonly notes: (seq: number) => readonly BaseNote[];
  /** Counts it. */
  readonly done: () => void;
  readonly path: ByteName;
}

export interface PushCommitsDeps {
  readonly vault: Vault;
  readonly base: BaseWriter;
  readonly onRefused: (path: ByteName, error: CofferError) => void;
  /** Asked about an entry after another device was faster: false refuses what was meant for it. */
  readonly holds?: ((entry: EntryId) => boolean) | undefined;
}

/**
 * Operations on their way into the vault. The base learns of each only when its commit is acknowledged, and stores it with
 * all others of that commit, so a run that is interrupted anywhere has lost nothing but the work on unfinished commits.
 */
export class PushCommits implements AsyncDisposable {
  readonly batch: CommitBatch;
  readonly #deps: PushCommitsDeps;
  readonly #waiting = new Map<string, Outcome[]>();
  /** Acknowledged before {@link expect} was called: the batch may hold a method until its own commit is through. */
  readonly #early = new Map<string, Answer[]>();
  readonly #firstSeq: number;
  #commits = 0;
  #lastSeq: number;

  constructor(deps: PushCommitsDeps, uploader: Uploader | undefined) {
    this.#deps = deps;
    this.#firstSeq = deps.vault.tree.seq;
    this.#lastSeq = this.#firstSeq;
    const onCommitted = (report: CommitReport): void => this.#acknowledge(report);
    const { holds } = deps;
    this.batch = deps.vault.batch({
      onCommitted,
      ...(uploader !== undefined && { uploader }),
      ...(holds !== undefined && { holds: (entry) => this.#isUndisturbed || holds(entry) }),
    });
  }

  /** Position of the last own commit when nobody else's came in between; undefined otherwise. */
  get undisturbedSeq(): number | undefined {
    return this.#lastSeq - this.#firstSeq === this.#commits ? this.#lastSeq : undefined;
  }

  get #isUndisturbed(): boolean {
    return this.#deps.vault.tree.seq === this.#firstSeq + this.#commits;
  }

  /** What to do once the operation that the batch just took is acknowledged; once per operation. */
  expect(entry: EntryId, outcome: Outcome): void {
    const key = idKey(entry);
    const answer = takeFirst(this.#early, key);
    if (answer === undefined) return addTo(this.#waiting, key, outcome);
    this.#settle(outcome, answer);
    this.#deps.base.save();
  }

  async finish(signal?: AbortSignal): Promise<void> {
    await this.batch.commit(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.batch[Symbol.asyncDispose]();
  }

  #acknowledge(report: CommitReport): void {
    // Where everything was refused nothing was appended.
    if (report.entries.length > 0) this.#commits += 1;
    this.#lastSeq = report.seq;
    for (const { entry, error } of report.refused) this.#answer(idKey(entry), { error });
    for (const entry of report.entries) this.#answer(idKey(entry), { seq: report.seq });
    this.#deps.base.save();
  }

  #answer(key: string, answer: Answer): void {
    const outcome = takeFirst(this.#waiting, key);
    if (outcome === undefined) addTo(this.#early, key, answer);
    else this.#settle(outcome, answer);
  }

  #settle(outcome: Outcome, answer: Answer): void {
    if ('error' in answer) return this.#deps.onRefused(outcome.path, answer.error);
    for (const noted of outcome.notes(answer.seq)) note(this.#deps.base, noted);
    outcome.done();
  }
}

type Answer = { readonly seq: number } | { readonly error: CofferError };

function addTo<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

function takeFirst<Item>(lists: Map<string, Item[]>, key: string): Item | undefined {
  const list = lists.get(key);
  const first = list?.shift();
  if (list?.length === 0) lists.delete(key);
  return first;
}
