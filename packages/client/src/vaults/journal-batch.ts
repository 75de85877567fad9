import { CofferError, equalBytes, isCofferError, newEntryId, rootEntry } from '@coffer/core';
import type { AccountId, Clock, EntryId, Random } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import { checkName, isReservedName } from '@coffer/journal';
import type { Operation, PutOperation, PutRef, VaultKind } from '@coffer/journal';
import type {
  Attributes,
  CommitBatch,
  CommitBatchOptions,
  CommitReport,
  DirectoryPut,
  FilePut,
  Placement,
  RefusedOperation,
  SymlinkPut,
} from '../commit-batch.ts';
import type { Entry } from '../entry.ts';
import type { VaultHistory } from '../history.ts';
import type { TreeReader } from '../tree-reader.ts';
import { CommitItems } from './commit-items.ts';
import type { CommitItem } from './commit-items.ts';
import { putRef, refOfContent } from './content-refs.ts';

export interface JournalBatchDeps {
  readonly tree: TreeReader;
  readonly kind: VaultKind;
  readonly account: AccountId;
  readonly keys: ReadonlyMap<number, ChunkKeys>;
  readonly clock: Clock;
  readonly random: Random;
  /** Appends one commit of these items, and folds it. */
  readonly append: (
    items: readonly CommitItem[],
    options: Pick<CommitBatchOptions, 'holds'>,
    signal?: AbortSignal,
  ) => Promise<CommitReport>;
  /** After everything: tells the server what it believes wrongly. Entries that came back without a content go again, and are told. */
  readonly repair: (signal?: AbortSignal) => Promise<readonly RefusedOperation[]>;
  readonly history: Pick<VaultHistory, 'explain' | 'expiry'>;
  /** Which of at most 4,096 own chunks and segments the server has, one byte each. */
  readonly has: (ids: Uint8Array) => Promise<Uint8Array>;
}

/** {@link CommitBatch} over a journal: gathers while the commit before is on its way. */
export class JournalBatch implements CommitBatch {
  readonly #deps: JournalBatchDeps;
  readonly #options: CommitBatchOptions;
  #items = new CommitItems();
  #underWay: Promise<void> = Promise.resolve();
  #reports: CommitReport[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: JournalBatchDeps, options: CommitBatchOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  async putFile(file: FilePut, signal?: AbortSignal): Promise<EntryId> {
    const { content, size, chunks, segments } = file.content;
    const entry = file.entry ?? this.#newEntry();
    const operation = this.#put({ entry, place: file, kind: 'file', attributes: file, size, content });
    const ref = putRef(entry, { chunks, segments }, this.#deps.account);
    await this.#add({ operation, ref, content: file.content, entries: [entry] }, signal);
    return entry;
  }

  async copyFile(source: Entry, to: Placement & { readonly entry?: EntryId }, signal?: AbortSignal): Promise<EntryId> {
    const entry = to.entry ?? this.#newEntry();
    await this.#putAgain({ entry, place: to, source }, signal);
    return entry;
  }

  async makeDirectory(directory: DirectoryPut, signal?: AbortSignal): Promise<EntryId> {
    const entry = this.#newEntry();
    const operation = this.#put({
      entry,
      place: directory,
      kind: 'directory',
      attributes: directory,
      size: 0,
      content: [],
    });
    await this.#add({ operation, entries: [entry] }, signal);
    return entry;
  }

  async putSymlink(link: SymlinkPut, signal?: AbortSignal): Promise<EntryId> {
    const entry = link.entry ?? this.#newEntry();
    const put = this.#put({ entry, place: link, kind: 'symlink', attributes: link, size: 0, content: [] });
    await this.#add({ operation: [...put.slice(0, 9), link.target] as unknown as Operation, entries: [entry] }, signal);
    return entry;
  }

  async move(entry: EntryId, to: Placement, signal?: AbortSignal): Promise<void> {
    this.#checkPlace(to);
    await this.#add({ operation: ['move', entry, to.parent, to.name], entries: [entry] }, signal);
  }

  async setAttributes(entry: EntryId, { mtime, mode }: Attributes, signal?: AbortSignal): Promise<void> {
    await this.#add({ operation: ['attr', entry, mtime, mode], entries: [entry] }, signal);
  }

  async remove(entries: readonly EntryId[], signal?: AbortSignal): Promise<void> {
    for (let start = 0; start < entries.length; start += removeTogether) {
      const some = entries.slice(start, start + removeTogether);
      await this.#add({ operation: ['remove', some], drops: some, entries: some }, signal);
    }
  }

  async undelete(entry: EntryId, to: Placement & { readonly seq: number }, signal?: AbortSignal): Promise<void> {
    this.#checkPlace(to);
    const isFile = this.#deps.tree.versions(entry)[0]?.kind === 'file';
    const operation: Operation = ['move', entry, to.parent, to.name];
    await this.#add(
      {
        operation,
        ...(isFile && { ref: { kind: 'keep', entry, seq: to.seq }, source: { entry, seq: to.seq } }),
        entries: [entry],
      },
      signal,
    );
  }

  async restoreVersion(entry: EntryId, seq: number, signal?: AbortSignal): Promise<void> {
    const current = this.#deps.tree.get(entry);
    const source = this.#deps.tree.versions(entry).find((version) => version.seq === seq);
    if (current === undefined || source === undefined) throw new CofferError('NOT_FOUND', 'there is no such version');
    await this.#putAgain({ entry, place: current, source }, signal);
  }

  /** Adds an operation with its references as it is. */
  async add(item: CommitItem, signal?: AbortSignal): Promise<void> {
    await this.#add(item, signal);
  }

  async commit(signal?: AbortSignal): Promise<readonly CommitReport[]> {
    await this.#append(signal);
    await this.#underWay;
    this.#throwFailure();
    const refused = await this.#deps.repair(signal);
    if (refused.length > 0) this.#reports.push({ seq: this.#deps.tree.seq, receivedAtMs: 0, entries: [], refused });
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  /** What is gathered and not committed is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= { error: new CofferError('CANCELLED', 'the batch was ended') };
    await this.#underWay;
  }

  async #putAgain(
    { entry, place, source }: { entry: EntryId; place: Placement; source: Entry },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (source.kind !== 'file') throw new TypeError('only files have content');
    const { content, size } = source;
    const operation = this.#put({ entry, place, kind: 'file', attributes: source, size, content });
    const ref = refOfContent(entry, content, this.#deps);
    const { entry: from, seq } = source;
    await this.#add({ operation, ref, source: { entry: from, seq }, entries: [entry] }, signal);
  }

  #put(put: {
    readonly entry: EntryId;
    readonly place: Placement;
    readonly kind: PutOperation[4];
    readonly attributes: Attributes;
    readonly size: number;
    readonly content: PutOperation[8];
  }): PutOperation {
    this.#checkPlace(put.place);
    const { parent, name } = put.place;
    const { mtime, mode } = put.attributes;
    return ['put', put.entry, parent, name, put.kind, put.size, mtime, mode & 0o7777, put.content];
  }

  /** @throws INVALID */
  #checkPlace({ parent, name }: Placement): void {
    checkName(name);
    if (isReservedName({ kind: this.#deps.kind, parent, name }))
      throw new CofferError('INVALID', '"Shared" is reserved in the root');
  }

  #newEntry(): EntryId {
    return newEntryId(this.#deps.clock, this.#deps.random);
  }

  async #add(item: CommitItem, signal: AbortSignal | undefined): Promise<void> {
    this.#throwFailure();
    while (!this.#items.add(item)) {
      await this.#append(signal);
      this.#throwFailure();
    }
  }

  /** Hands over what is gathered, once the commit before it is acknowledged. */
  async #append(signal: AbortSignal | undefined): Promise<void> {
    await this.#underWay;
    if (this.#items.isEmpty || this.#failure !== undefined) return;
    const { items } = this.#items;
    this.#items = new CommitItems();
    this.#underWay = this.#run(items, signal).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  async #run(items: readonly CommitItem[], signal: AbortSignal | undefined): Promise<void> {
    const report = await this.#appended(items, signal);
    this.#reports.push(report);
    this.#options.onCommitted?.(report);
  }

  /** Chunks may be collected between being sent and being referred to (STORAGE §Counts): then they are sent again. */
  async #appended(items: readonly CommitItem[], signal: AbortSignal | undefined): Promise<CommitReport> {
    const refused: RefusedOperation[] = [];
    for (let left = [...items], tries = 0; ; tries += 1) {
      await this.#options.uploader?.flush(signal);
      try {
        const report = await this.#deps.append(left, this.#options, signal);
        return { ...report, refused: [...refused, ...report.refused] };
      } catch (error) {
        const lost = await this.#madeGood(left, { error, signal, isLast: tries >= maxResends });
        refused.push(
          ...lost.map(({ item, error: reason }) => ({ entry: item.entries[0] ?? rootEntry, error: reason })),
        );
        left = left.filter((item) => !lost.some((one) => one.item === item));
      }
    }
  }

  /** Sends again what the server no longer has; the items of which that is not possible. @throws the error when it is another */
  async #madeGood(
    items: readonly CommitItem[],
    { error, signal, isLast }: { error: unknown; signal: AbortSignal | undefined; isLast: boolean },
  ): Promise<LostItem[]> {
    if (isLast || !isCofferError(error, 'MISSING_CHUNKS', 'EXPIRED')) throw error;
    const lost: LostItem[] = [];
    for (const item of items) {
      try {
        if (error.code === 'EXPIRED') await this.#checkKept(item, signal);
        else await this.#resend(item, { error, signal });
      } catch (reason) {
        if (!isCofferError(reason) || isFatal(reason)) throw reason;
        lost.push({ item, error: reason });
      }
    }
    // Nothing that could be left out or sent again: the server contradicts itself.
    if (error.code === 'EXPIRED' && lost.length === 0) throw error;
    return lost;
  }

  async #checkKept({ ref, source }: CommitItem, signal: AbortSignal | undefined): Promise<void> {
    const expired =
      ref?.kind === 'keep' && source !== undefined ? await this.#deps.history.expiry(source, signal) : undefined;
    if (expired !== undefined) throw expired;
  }

  async #resend(
    { ref, content, source }: CommitItem,
    { error, signal }: { error: CofferError; signal: AbortSignal | undefined },
  ): Promise<void> {
    if (ref?.kind !== 'put') return;
    const { uploader } = this.#options;
    if (content !== undefined && uploader !== undefined) return uploader.resend(content, signal);
    if (await this.#isThere(ref)) return;
    throw source === undefined ? error : await this.#deps.history.explain(source, error, signal);
  }

  async #isThere({ chunks, segments }: PutRef): Promise<boolean> {
    // The server answers about one's own uploads only; those of others are there as long as a version refers to them.
    const own = chunks.filter(({ uploader }) => equalBytes(uploader, this.#deps.account));
    for (const list of [...own.map(({ ids }) => ids), segments]) {
      for (let start = 0; start < list.byteLength; start += idsTogether) {
        const present = await this.#deps.has(list.subarray(start, start + idsTogether));
        if (present.includes(0)) return false;
      }
    }
    return true;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Entries of one `remove`: the whole takes 17 KiB of a commit's body. */
const removeTogether = 1000;

/** A server that loses chunks again and again is not waited for. */
const maxResends = 2;

/** Bytes of the ids in one question. */
const idsTogether = 4096 * 32;

interface LostItem {
  readonly item: CommitItem;
  readonly error: CofferError;
}

/** What is about the whole upload, not about one file. */
function isFatal({ code }: CofferError): boolean {
  return ['UNREACHABLE', 'QUOTA', 'NO_SPACE', 'CANCELLED', 'INTERNAL', 'NOT_LOGGED_IN', 'SHUTTING_DOWN'].includes(code);
}
