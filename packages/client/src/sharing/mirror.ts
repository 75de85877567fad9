import { equalBytes, idKey, isCofferError, rootEntry } from '@coffer/core';
import type { AccountId, EntryId, IdKey } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import { isHole, isSegmented, isSharedTuple } from '@coffer/journal';
import type { Content, ContentTuple, PutOperation } from '@coffer/journal';
import type { Entry } from '../entry.ts';
import type { TreeReader } from '../tree-reader.ts';
import { hashContent } from '../state/stored-content.ts';
import type { ChunkRecord } from '../transfer/chunk-records.ts';
import type { FileDownloader } from '../transfer/file-downloader.ts';
import type { FileUploader } from '../transfer/file-uploader.ts';
import type { UploadedContent } from '../uploader.ts';
import type { CommitItem } from '../vaults/commit-items.ts';
import { putRef, refOfContent } from '../vaults/content-refs.ts';

export interface MirrorDeps {
  readonly account: AccountId;
  /** By generation of the dedup secret. */
  readonly keys: ReadonlyMap<number, ChunkKeys>;
  /** The home vault at one position. */
  readonly home: TreeReader;
  /** The share as it is. */
  readonly share: TreeReader;
  readonly homeDownloader: () => FileDownloader;
  readonly shareDownloader: () => FileDownloader;
  /** Of the share; for the lists of huge files. */
  readonly shareUploader: () => Promise<FileUploader>;
  readonly add: (item: CommitItem) => Promise<void>;
}

/**
 * Makes the share's tree what stands at and below `shared` in the home vault: same entries, same chunks, nothing is uploaded.
 * Whatever is so already is left alone, so that it copies, replays and finishes alike.
 */
export async function mirror(shared: Entry, deps: MirrorDeps, signal?: AbortSignal): Promise<void> {
  await new Mirror(shared, deps).run(signal);
}

class Mirror {
  readonly #deps: MirrorDeps;
  readonly #shared: Entry;
  readonly #there: ReadonlyMap<IdKey, Entry>;

  constructor(shared: Entry, deps: MirrorDeps) {
    this.#shared = shared;
    this.#deps = deps;
    this.#there = new Map([...deps.share.walk(rootEntry)].slice(1).map(({ entry }) => [idKey(entry.entry), entry]));
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const wanted = [...this.#deps.home.walk(this.#shared.entry)].map(({ entry }) => entry);
    await this.#makeRoom(wanted);
    for (const entry of wanted) {
      signal?.throwIfAborted();
      await this.#bring(entry, signal);
    }
    await this.#removeOthers(wanted);
  }

  /** What stands elsewhere steps aside first: two names may have changed places, or two folders have. */
  async #makeRoom(wanted: readonly Entry[]): Promise<void> {
    for (const entry of wanted) {
      const there = this.#there.get(idKey(entry.entry));
      if (there === undefined || this.#isPlaced(there, entry) || this.#isShared(entry)) continue;
      const aside = `.moving-${idKey(entry.entry)}`;
      await this.#deps.add({ operation: ['move', entry.entry, this.#shared.entry, aside], entries: [entry.entry] });
    }
    const kept = new Set(wanted.map(({ entry }) => idKey(entry)));
    for (const [key, entry] of this.#there) {
      const isTop = kept.has(idKey(entry.parent));
      if (kept.has(key) || !isTop) continue;
      // Its name may be wanted; it is removed at the end, when all that was below it has found its place.
      const aside = `.removing-${key}`;
      await this.#deps.add({ operation: ['move', entry.entry, this.#shared.entry, aside], entries: [entry.entry] });
    }
  }

  async #removeOthers(wanted: readonly Entry[]): Promise<void> {
    const kept = new Set(wanted.map(({ entry }) => idKey(entry)));
    for (const [key, { entry, parent }] of this.#there) {
      if (kept.has(key) || !kept.has(idKey(parent))) continue;
      await this.#deps.add({ operation: ['remove', [entry]], drops: [entry], entries: [entry] });
    }
  }

  async #bring(entry: Entry, signal: AbortSignal | undefined): Promise<void> {
    const there = this.#there.get(idKey(entry.entry));
    if (there !== undefined && there.kind === entry.kind && (await this.#isSameContent(there, entry, signal))) {
      await this.#place(there, entry);
      return;
    }
    await this.#deps.add(await this.#put(entry, signal));
  }

  async #place(there: Entry, entry: Entry): Promise<void> {
    const { entry: id, mtime, mode } = entry;
    const entries = [id];
    if (!this.#isPlaced(there, entry)) {
      await this.#deps.add({ operation: ['move', id, this.#parentOf(entry), entry.name], entries });
    }
    const isSame = there.mode === mode && there.mtime[0] === mtime[0] && there.mtime[1] === mtime[1];
    if (!isSame) await this.#deps.add({ operation: ['attr', id, mtime, mode], entries });
  }

  async #put(entry: Entry, signal: AbortSignal | undefined): Promise<CommitItem> {
    const { entry: id, name, kind, mtime, mode, target } = entry;
    const operation = (size: number, content: Content): PutOperation => {
      const put = ['put', id, this.#parentOf(entry), name, kind, size, mtime, mode, content] as const;
      return kind === 'symlink' && target !== undefined ? [...put, target] : put;
    };
    if (kind !== 'file') return { operation: operation(0, []), entries: [id] };
    const uploaded = isSegmented(entry.content) ? await this.#adopted(entry, signal) : undefined;
    if (uploaded !== undefined) {
      const ref = putRef(id, uploaded, this.#deps.account);
      return { operation: operation(entry.size, uploaded.content), ref, entries: [id] };
    }
    const content = this.#sharedForm(entry.content as readonly ContentTuple[]);
    return { operation: operation(entry.size, content), ref: refOfContent(id, content, this.#deps), entries: [id] };
  }

  /** Id and key are told, where the home vault lets them follow from the account's secret. */
  #sharedForm(content: readonly ContentTuple[]): readonly ContentTuple[] {
    return content.map((tuple) => {
      if (isHole(tuple) || isSharedTuple(tuple)) return tuple;
      const [plainHash, plainBytes, storedBytes, g] = tuple;
      const keys = this.#keysOf(g);
      return [plainHash, plainBytes, storedBytes, this.#deps.account, keys.id(plainHash), keys.key(plainHash)];
    });
  }

  /** Lists of segments hold tuples, and are written anew in the form of the share. */
  async #adopted({ size, mtime, mode, content }: Entry, signal: AbortSignal | undefined): Promise<UploadedContent> {
    const records: ChunkRecord[] = [];
    for await (const tuples of this.#deps.homeDownloader().tuples(content, signal)) {
      for (const tuple of tuples) records.push(this.#record(tuple));
    }
    const uploader = await this.#deps.shareUploader();
    return uploader.adopt({ job: 0, ok: true, size, mtime, mode, records });
  }

  #record(tuple: ContentTuple): ChunkRecord {
    if (isHole(tuple)) return { kind: 'hole', bytes: tuple[0] };
    const [plainHash, plainBytes, storedBytes] = tuple;
    if (isSharedTuple(tuple)) throw new TypeError('a home vault holds the content of a share');
    const keys = this.#keysOf(tuple[3]);
    return { kind: 'chunk', plainHash, plainBytes, storedBytes, id: keys.id(plainHash), key: keys.key(plainHash) };
  }

  #keysOf(g: number): ChunkKeys {
    const keys = this.#deps.keys.get(g);
    if (keys === undefined) throw new TypeError('a device lacks a dedup secret of its account');
    return keys;
  }

  async #isSameContent(there: Entry, entry: Entry, signal: AbortSignal | undefined): Promise<boolean> {
    if (entry.kind === 'symlink') return isSameTarget(there.target, entry.target);
    if (entry.kind !== 'file') return true;
    if (there.size !== entry.size || isSegmented(there.content) !== isSegmented(entry.content)) return false;
    if (!isSegmented(entry.content)) return equalBytes(hashContent(there.content), hashContent(entry.content));
    return this.#isSameList(there, entry, signal);
  }

  async #isSameList(there: Entry, entry: Entry, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const [theirs, ours] = [this.#deps.shareDownloader(), this.#deps.homeDownloader()];
      const lists = [theirs.tuples(there.content, signal), ours.tuples(entry.content, signal)] as const;
      const [a, b] = await Promise.all(lists.map(async (list) => hashContent((await Array.fromAsync(list)).flat())));
      return a !== undefined && b !== undefined && equalBytes(a, b);
    } catch (error) {
      if (isCofferError(error, 'NOT_FOUND', 'INTEGRITY', 'EXPIRED')) return false;
      throw error;
    }
  }

  #isPlaced(there: Entry, entry: Entry): boolean {
    return equalBytes(there.parent, this.#parentOf(entry)) && isSameTarget(there.name, entry.name);
  }

  #parentOf(entry: Entry): EntryId {
    return this.#isShared(entry) ? rootEntry : entry.parent;
  }

  #isShared({ entry }: Entry): boolean {
    return equalBytes(entry, this.#shared.entry);
  }
}

function isSameTarget(a: string | Uint8Array | undefined, b: string | Uint8Array | undefined): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}
