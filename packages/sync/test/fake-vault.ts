import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type {
  CommitBatch,
  CommitBatchOptions,
  CommitReport,
  Content,
  Downloader,
  EntryName,
  FileSource,
  Placement,
  RefusedOperation,
  TreeReader,
  UploadedContent,
  Uploader,
  Vault,
} from '@coffer/client';
import { splitPath } from '@coffer/client';
import {
  CofferError,
  equalBytes,
  idKey,
  isCofferError,
  newEntryId,
  rootEntry,
  systemClock,
  systemRandom,
  timestampFromNs,
} from '@coffer/core';
import type { DeviceId, EntryId, Hash, Timestamp, VaultId } from '@coffer/core';

import { FakeDownloader } from './fake-downloader.ts';
import { blank, FakeTree, NodeMap } from './fake-tree.ts';
import { Line } from './fake-line.ts';
import type { Change, Node } from './fake-tree.ts';

/** What a test may make go wrong. */
export interface Faults {
  /** Called before each commit is applied, with its number from 1; may throw, or change the vault as another device would. */
  beforeCommit?: (number: number) => void;
  /** Called before each upload and download, with its number from 1. */
  beforeTransfer?: (number: number) => void;
}

export type Operation =
  | { kind: 'put'; node: Omit<Node, 'version' | 'seq' | 'device'> }
  | { kind: 'move'; entry: EntryId; to: Placement }
  | { kind: 'attr'; entry: EntryId; mtime: Timestamp; mode: number }
  | { kind: 'remove'; entry: EntryId };

/** A vault in memory, as its interface promises: commits of ordered operations, refused where another device was faster. */
export class FakeVault implements Vault {
  lineage = 0;
  role: 'owner' | 'write' | 'read' = 'owner';
  readonly id: VaultId = new Uint8Array(32).fill(7);
  readonly faults: Faults = {};
  readonly contents = new Map<string, Uint8Array>();
  /** Every job that was announced, with its end. */
  readonly runs: { mode: string; status?: string; counts?: Readonly<Record<string, number>> }[] = [];
  readonly commits: number[] = [];
  device: DeviceId | undefined = new Uint8Array(16).fill(1);
  transfers = 0;
  /** To the server; shared by the devices of one vault. */
  line = new Line();
  #nodes = new NodeMap();
  readonly #changes: Change[] = [];
  #seq = 1;

  constructor() {
    this.#nodes.set(idKey(rootEntry), blank({ entry: rootEntry, parent: rootEntry, name: '', kind: 'directory' }));
  }

  get head(): { seq: number; hash: Hash } {
    return { seq: this.#seq, hash: new Uint8Array(32) };
  }

  /** The lineage that this object has met. */
  met = 0;

  acceptRestored(): void {
    this.met = this.lineage;
  }

  async lostContent(): Promise<undefined> {
    return undefined;
  }

  get history(): never {
    throw new TypeError('not used by sync');
  }

  get tree(): TreeReader {
    return new FakeTree(this.#nodes, this.#seq, this.#changes);
  }

  async pull(signal?: AbortSignal) {
    signal?.throwIfAborted();
    this.line.check();
    return { before: this.#seq, after: this.#seq, voidCommits: 0, skippedOperations: 0 };
  }

  async uploader(): Promise<Uploader> {
    return new FakeUploader(this);
  }

  async downloader(): Promise<Downloader> {
    return new FakeDownloader(this);
  }

  batch(options: CommitBatchOptions = {}): CommitBatch {
    return new FakeBatch(this, options);
  }

  async verify() {
    return { files: 0, bytes: 0, problems: [] };
  }

  /** An item at once, then one after every commit of anybody; ends with UNREACHABLE while the server is away. */
  async *watch(signal?: AbortSignal): AsyncGenerator<{ seq: number }> {
    const { line } = this;
    for (let told = -1; ;) {
      signal?.throwIfAborted();
      line.check();
      if (line.seq !== told) {
        told = line.seq;
        yield { seq: told };
      } else await line.next(signal);
    }
  }

  async beginJob(mode: string) {
    const run: FakeVault['runs'][number] = { mode };
    this.runs.push(run);
    return {
      end: async (status: string, counts: Readonly<Record<string, number>>) => {
        run.status = status;
        run.counts = counts;
      },
    };
  }

  transfer(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    this.transfers += 1;
    this.faults.beforeTransfer?.(this.transfers);
  }

  /** One commit: what cannot be done is refused, the rest takes effect. */
  commit(operations: readonly Operation[], holds: CommitBatchOptions['holds'] = () => true): CommitReport {
    this.faults.beforeCommit?.(this.commits.length + 1);
    const seq = this.#seq + 1;
    const entries: EntryId[] = [];
    const refused: RefusedOperation[] = [];
    const denied = new Set(operations.filter((operation) => !holds(entryOf(operation))));
    for (const operation of operations) {
      const entry = entryOf(operation);
      try {
        if (denied.has(operation)) throw conflict('somebody else touched it');
        this.#noteChange(entry, seq);
        this.#apply(operation, seq);
        this.#noteChange(entry, seq);
        entries.push(entry);
      } catch (error) {
        if (!isCofferError(error)) throw error;
        refused.push({ entry, error });
      }
    }
    this.#seq = seq;
    this.commits.push(operations.length);
    this.line.advance();
    return { seq, receivedAtMs: 0, entries, refused };
  }

  /** What the vault holds now, for good. */
  snapshot(): FakeTree {
    return new FakeTree(this.#nodes.copy(), this.#seq, this.#changes);
  }

  /** Changes as another device would, in a commit of its own. */
  async asOther(change: (batch: CommitBatch) => Promise<unknown>): Promise<void> {
    const own = this.device;
    this.device = new Uint8Array(16).fill(2);
    const faults = { ...this.faults };
    delete this.faults.beforeCommit;
    await using batch = this.batch();
    await change(batch);
    await batch.commit();
    Object.assign(this.faults, faults);
    this.device = own;
  }

  /** Puts a file by path, making the directories above. */
  async putText(
    path: string,
    text: string,
    { mtime = [1_700_000_000, 5] as Timestamp, mode = 0o644 } = {},
  ): Promise<EntryId> {
    const names = splitPath(path);
    return await this.put(names, { bytes: Buffer.from(text), mtime, mode });
  }

  async put(
    names: readonly EntryName[],
    { bytes, mtime, mode }: { bytes: Uint8Array; mtime: Timestamp; mode: number },
  ) {
    let entry: EntryId = rootEntry;
    await this.asOther(async (batch) => {
      const parent = await this.#directories(names.slice(0, -1), batch);
      const content = this.store(bytes, { mtime, mode });
      const name = names.at(-1) ?? '';
      const existing = this.tree.child(parent, name);
      const file = { parent, name, mtime, mode, content };
      entry = await batch.putFile(existing === undefined ? file : { ...file, entry: existing.entry });
    });
    return entry;
  }

  store(bytes: Uint8Array, { mtime, mode }: { mtime: Timestamp; mode: number }): UploadedContent {
    const hash = new Uint8Array(createHash('sha256').update(bytes).digest());
    const known = this.contents.has(idKey(hash));
    this.contents.set(idKey(hash), new Uint8Array(bytes));
    const content = [[hash]] as unknown as Content;
    const size = bytes.byteLength;
    return { content, chunks: [], segments: [], size, contentHash: hash, bytesSent: known ? 0 : size, mtime, mode };
  }

  async #directories(names: readonly EntryName[], batch: CommitBatch): Promise<EntryId> {
    let parent: EntryId = rootEntry;
    for (const name of names) {
      const there = this.tree.child(parent, name);
      parent = there?.entry ?? (await batch.makeDirectory({ parent, name, mtime: [1_700_000_000, 0], mode: 0o755 }));
      if (there === undefined) await batch.commit();
    }
    return parent;
  }

  #noteChange(entry: EntryId, seq: number): void {
    const path = this.#nodes.path(entry);
    if (path !== undefined) this.#changes.push({ seq, directory: path.slice(0, -1) });
  }

  #apply(operation: Operation, seq: number): void {
    if (operation.kind === 'put') return this.#put(operation.node, seq);
    const key = idKey(operation.entry);
    const node = this.#nodes.get(key);
    if (node === undefined) throw conflict('it is gone');
    if (operation.kind === 'move') {
      this.#checkPlace(operation.to, operation.entry);
      this.#nodes.set(key, { ...node, parent: operation.to.parent, name: operation.to.name });
    } else if (operation.kind === 'attr') {
      this.#nodes.set(key, { ...node, mtime: operation.mtime, mode: operation.mode });
    } else {
      this.#remove(operation.entry);
    }
  }

  #put(node: Omit<Node, 'version' | 'seq' | 'device'>, seq: number): void {
    this.#checkPlace(node, node.entry);
    const before = this.#nodes.get(idKey(node.entry));
    if (before !== undefined && before.kind !== node.kind) throw conflict('another kind');
    this.#nodes.set(idKey(node.entry), { ...node, version: (before?.version ?? 0) + 1, seq, device: this.device });
  }

  #checkPlace({ parent, name }: Placement, entry: EntryId): void {
    if (this.#nodes.get(idKey(parent))?.kind !== 'directory') throw conflict('no directory');
    for (let at = parent; !equalBytes(at, rootEntry); at = this.#nodes.get(idKey(at))?.parent ?? rootEntry) {
      if (equalBytes(at, entry)) throw conflict('a circle');
    }
    const there = this.tree.child(parent, name);
    if (there !== undefined && !equalBytes(there.entry, entry)) throw conflict('the name is taken');
  }

  #remove(entry: EntryId): void {
    for (const child of this.tree.children(entry)) this.#remove(child.entry);
    this.#nodes.delete(idKey(entry));
  }
}

class FakeUploader implements Uploader {
  readonly parallel = 4;
  readonly progress = { bytesRead: 0, bytesSent: 0 };
  readonly #vault: FakeVault;

  constructor(vault: FakeVault) {
    this.#vault = vault;
  }

  async upload({ path }: FileSource, signal?: AbortSignal): Promise<UploadedContent> {
    this.#vault.transfer(signal);
    await Promise.resolve();
    const { bytes, stats } = readWhole(path);
    const content = this.#vault.store(bytes, {
      mtime: timestampFromNs(stats.mtimeNs),
      mode: Number(stats.mode) & 0o7777,
    });
    this.progress.bytesRead += bytes.byteLength;
    this.progress.bytesSent += content.bytesSent;
    return content;
  }

  async uploadStream(): Promise<UploadedContent> {
    throw new TypeError('not used by sync');
  }

  async resend(): Promise<void> {
    throw new TypeError('not used by sync');
  }

  async flush(): Promise<void> {
    await Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}

class FakeBatch implements CommitBatch {
  readonly #vault: FakeVault;
  readonly #options: CommitBatchOptions;
  #operations: Operation[] = [];
  #reports: CommitReport[] = [];

  constructor(vault: FakeVault, options: CommitBatchOptions) {
    this.#vault = vault;
    this.#options = options;
  }

  async putFile({ entry = newId(), content, ...place }: Parameters<CommitBatch['putFile']>[0]): Promise<EntryId> {
    const { content: tuples, contentHash, size } = content;
    return await this.#add(entry, {
      kind: 'put',
      node: { ...place, entry, kind: 'file', content: tuples, contentHash, size, target: undefined },
    });
  }

  async copyFile(): Promise<EntryId> {
    throw new TypeError('not used by sync');
  }

  async makeDirectory(place: Parameters<CommitBatch['makeDirectory']>[0]): Promise<EntryId> {
    const entry = newId();
    return await this.#add(entry, {
      kind: 'put',
      node: { ...blank({ ...place, entry, kind: 'directory' }), ...place },
    });
  }

  async putSymlink({ entry = newId(), ...place }: Parameters<CommitBatch['putSymlink']>[0]): Promise<EntryId> {
    return await this.#add(entry, { kind: 'put', node: { ...blank({ ...place, entry, kind: 'symlink' }), ...place } });
  }

  async move(entry: EntryId, to: Placement): Promise<void> {
    await this.#add(entry, { kind: 'move', entry, to });
  }

  async setAttributes(entry: EntryId, { mtime, mode }: { mtime: Timestamp; mode: number }): Promise<void> {
    await this.#add(entry, { kind: 'attr', entry, mtime, mode });
  }

  async remove(entries: readonly EntryId[]): Promise<void> {
    for (const entry of entries) await this.#add(entry, { kind: 'remove', entry });
  }

  async undelete(): Promise<void> {
    throw new TypeError('not used by sync');
  }

  async restoreVersion(): Promise<void> {
    throw new TypeError('not used by sync');
  }

  async commit(signal?: AbortSignal): Promise<readonly CommitReport[]> {
    signal?.throwIfAborted();
    await Promise.resolve();
    this.#flush();
    return this.#reports.splice(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#operations = [];
    await Promise.resolve();
  }

  async #add(entry: EntryId, operation: Operation): Promise<EntryId> {
    this.#operations.push(operation);
    if (this.#operations.length >= 1000) this.#flush();
    await Promise.resolve();
    return entry;
  }

  #flush(): void {
    const operations = this.#operations;
    this.#operations = [];
    if (operations.length === 0) return;
    const report = this.#vault.commit(operations, this.#options.holds);
    this.#reports.push(report);
    this.#options.onCommitted?.(report);
  }
}

function readWhole(path: string | Uint8Array) {
  const where = typeof path === 'string' ? path : Buffer.from(path);
  try {
    return { bytes: readFileSync(where), stats: statSync(where, { bigint: true }) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CofferError(code === 'ENOENT' ? 'NOT_FOUND' : 'NOT_ALLOWED', `cannot be read (${code})`, {
      cause: error,
    });
  }
}

function entryOf(operation: Operation): EntryId {
  return operation.kind === 'put' ? operation.node.entry : operation.entry;
}

function newId(): EntryId {
  return newEntryId(systemClock, systemRandom);
}

function conflict(what: string): CofferError {
  return new CofferError('CONFLICT', what);
}
