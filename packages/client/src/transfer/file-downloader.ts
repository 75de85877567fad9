import { CofferError, BoundedQueue, integrityError, MiB, randomUnit, Semaphore } from '@coffer/core';
import type { AccountId, Random } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import { isHole, isSegmented, isSharedTuple, parseSegmentList } from '@coffer/journal';
import type { ChunkTuple, Content, ContentTuple, SegmentRun } from '@coffer/journal';
import type {
  Downloader,
  DownloaderOptions,
  DownloadProgress,
  DownloadSink,
  LaidFile,
  LayTarget,
} from '../downloader.ts';
import type { ChunkFetcher, WantedChunk } from './chunk-fetcher.ts';
import type { OpenedChunk } from './open-thread.ts';

export interface FileDownloaderDeps {
  readonly fetcher: ChunkFetcher;
  /** The account itself: the uploader of everything in a home vault. */
  readonly owner: AccountId;
  /** By generation of the dedup secret. */
  readonly keys: ReadonlyMap<number, ChunkKeys>;
}

/** Plain bytes that were asked for and not written yet, over all files. */
const aheadBytes = 16 * MiB;
/** Chunks of one file that are asked for ahead of the one being written. */
const aheadChunks = 16;

/** {@link Downloader} over a {@link ChunkFetcher}. */
export class FileDownloader implements Downloader {
  readonly parallel = 256;
  readonly #deps: FileDownloaderDeps;
  readonly #onProgress: DownloaderOptions['onProgress'];
  readonly #ahead = new Semaphore(aheadBytes);
  #bytesWritten = 0;

  constructor(deps: FileDownloaderDeps, { onProgress }: DownloaderOptions = {}) {
    this.#deps = deps;
    this.#onProgress = onProgress;
  }

  get progress(): DownloadProgress {
    return { bytesReceived: this.#deps.fetcher.bytesReceived, bytesWritten: this.#bytesWritten };
  }

  async download(content: Content, sink: DownloadSink, signal?: AbortSignal): Promise<void> {
    let offset = 0;
    for await (const tuples of this.tuples(content, signal)) {
      await this.#write({ tuples, offset, sink }, signal);
      offset += tuples.reduce((sum, tuple) => sum + bytesOf(tuple), 0);
    }
  }

  /** A hop to a lane costs nothing more when it also lays down what it opens. */
  async layDown(content: Content, { sink, place }: LayTarget, signal?: AbortSignal): Promise<LaidFile | undefined> {
    const [tuple, ...more] = isSegmented(content) ? [] : content;
    if (tuple === undefined || isHole(tuple) || more.length > 0) {
      await this.download(content, sink, signal);
      return undefined;
    }
    signal?.throwIfAborted();
    return this.#writeOne(await this.#ask({ tuple, offset: 0, held: new Set(), place }, undefined), sink);
  }

  /**
   * Fetches and checks without handing anything out; each chunk with a chance of `percent`. @returns plain bytes checked
   * @throws as {@link download}
   */
  async check(
    content: Content,
    { percent, random }: { percent: number; random: Random },
    signal?: AbortSignal,
  ): Promise<number> {
    let bytes = 0;
    const count = (_offset: number, plain: Uint8Array): void => {
      bytes += plain.byteLength;
    };
    for await (const tuples of this.tuples(content, signal)) {
      const some = percent >= 100 ? tuples : tuples.filter(() => randomUnit(random) * 100 < percent);
      await this.#write({ tuples: some, offset: 0, sink: count }, signal);
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deps.fetcher[Symbol.asyncDispose]();
  }

  /** Tuples of a content run by run; the lists of segments are fetched and checked. @throws as {@link download} */
  async *tuples(content: Content, signal?: AbortSignal): AsyncGenerator<readonly ContentTuple[]> {
    if (!isSegmented(content)) {
      yield content;
      return;
    }
    for (const run of content[1]) yield await this.#list(run, signal);
  }

  /** The tuples of a segment, which must be what the operation says of it. */
  async #list(
    [, list, plainBytes, chunks]: SegmentRun,
    signal: AbortSignal | undefined,
  ): Promise<readonly ContentTuple[]> {
    signal?.throwIfAborted();
    const opened = await this.#deps.fetcher.fetch(this.#wanted(list));
    // The memory is used again, and decoded hashes are views of what they were decoded from.
    const tuples = parseSegmentList(Uint8Array.from(opened.bytes));
    opened.release();
    const total = tuples.reduce((sum, tuple) => sum + bytesOf(tuple), 0);
    const count = tuples.filter((tuple) => !isHole(tuple)).length;
    if (total !== plainBytes || count !== chunks) throw integrityError('A segment');
    return tuples;
  }

  async #write(
    { tuples, offset, sink }: { tuples: readonly ContentTuple[]; offset: number; sink: DownloadSink },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (tuples.length === 1) return this.#writeSingle({ tuple: tuples[0], offset, sink }, signal);
    const stop = new AbortController();
    const held = new Set<Ahead>();
    const queue = new BoundedQueue<Ahead>(aheadChunks);
    const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const asking = this.#askAll({ tuples, offset, queue, held }, stopped);
    try {
      for await (const one of queue) await this.#writeOne(one, sink);
    } catch (error) {
      stop.abort(error);
      throw error;
    } finally {
      await asking;
      for (const one of held) one.release();
    }
  }

  /** Most files: one chunk, nothing to ask for ahead of. */
  async #writeSingle(
    { tuple, offset, sink }: { tuple: ContentTuple | undefined; offset: number; sink: DownloadSink },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (tuple === undefined || isHole(tuple)) return;
    signal?.throwIfAborted();
    // Not given the signal: hundreds of listeners on one make each other slow, and room comes as fast as the network is.
    await this.#writeOne(await this.#ask({ tuple, offset, held: new Set() }, undefined), sink);
  }

  /** Beside the writing: waiting for room while holding what others wait for would stop everybody. */
  async #askAll(
    {
      tuples,
      offset,
      queue,
      held,
    }: { tuples: readonly ContentTuple[]; offset: number; queue: BoundedQueue<Ahead>; held: Set<Ahead> },
    signal: AbortSignal,
  ): Promise<void> {
    try {
      let at = offset;
      for (const tuple of tuples) {
        if (!isHole(tuple)) await queue.push(await this.#ask({ tuple, offset: at, held }, signal), signal);
        at += bytesOf(tuple);
      }
      queue.close();
    } catch (error) {
      queue.fail(error);
    }
  }

  async #ask({ tuple, offset, held, place }: Asked, signal: AbortSignal | undefined): Promise<Ahead> {
    const release = await this.#ahead.acquire(tuple[1], signal);
    const plain = this.#deps.fetcher.fetch({ ...this.#wanted(tuple), place });
    // Awaited in its turn; until then its failure is nobody's.
    plain.catch(() => undefined);
    const one: Ahead = {
      plain,
      offset,
      release: () => {
        if (!held.delete(one)) return;
        release();
        plain.then(
          (opened) => opened.release(),
          () => undefined,
        );
      },
    };
    held.add(one);
    return one;
  }

  /** Unless a lane did it. */
  async #writeOne({ plain, offset, release }: Ahead, sink: DownloadSink): Promise<LaidFile | undefined> {
    let laid: LaidFile | undefined;
    try {
      const opened = await plain;
      laid = opened.laid;
      const written = laid === undefined ? sink(offset, opened.bytes) : undefined;
      if (written !== undefined) await written;
      this.#bytesWritten += opened.bytes.byteLength;
    } finally {
      release();
    }
    this.#onProgress?.(this.progress);
    return laid;
  }

  #wanted(tuple: ChunkTuple): WantedChunk {
    const [plainHash, plainBytes, storedBytes] = tuple;
    if (isSharedTuple(tuple)) {
      const [, , , uploader, id, key] = tuple;
      return { uploader, id, item: { plainHash, plainBytes, storedBytes, by: { key } } };
    }
    const g = tuple[3];
    const keys = this.#deps.keys.get(g);
    if (keys === undefined)
      throw g > Math.max(...this.#deps.keys.keys()) ? newerKeys(g) : integrityError('A chunk', { generation: g });
    return {
      uploader: this.#deps.owner,
      id: keys.id(plainHash),
      item: { plainHash, plainBytes, storedBytes, by: { g } },
    };
  }
}

interface Asked {
  readonly tuple: ChunkTuple;
  readonly offset: number;
  readonly held: Set<Ahead>;
  readonly place?: LayTarget['place'];
}

interface Ahead {
  readonly plain: Promise<OpenedChunk>;

  readonly offset: number;
  readonly release: () => void;
}

function bytesOf(tuple: ContentTuple): number {
  return isHole(tuple) ? tuple[0] : tuple[1];
}

/**
 * Stored by a device of the account after its keys were changed; an unattended one was not given the new ones. Of one
 * file only: whoever writes a generation that does not exist must not keep the others from coming down.
 */
function newerKeys(generation: number): CofferError {
  return new CofferError('NOT_ALLOWED', 'this device has no key for what was stored since the account got new ones', {
    hint: 'Log out and log in again on this machine.',
    details: { generation },
  });
}
