import { CofferError, equalBytes, splitBytes } from '@coffer/core';
import type { AccountId, Clock, Random } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import type { FileSource, UploadedContent, Uploader, UploadProgress } from '../uploader.ts';
import { unpackResults } from './chunk-records.ts';
import type { FileOutcome } from './chunk-records.ts';
import type { ChunkSender, SealedPart } from './chunk-sender.ts';
import { hashKey, packKnown } from './known-chunks.ts';
import type { LaneReply, LaneRequest, PackedResults } from './lane-messages.ts';
import { SentChunks } from './sent-chunks.ts';
import { KnownSlots } from './shared-slots.ts';
import { buildContent } from './uploaded-content.ts';
import type { ContentDeps } from './uploaded-content.ts';

/** One lane as the uploader sees it. */
interface LanePort extends AsyncDisposable {
  post(request: LaneRequest, transfer?: readonly ArrayBuffer[]): void;
}

export interface FileUploaderDeps {
  /** Starts a lane that answers to `onReply`. */
  readonly startLane: (handlers: {
    onReply: (reply: LaneReply) => void;
    onFailure: (error: CofferError) => void;
  }) => LanePort;
  readonly sender: ChunkSender;
  readonly segmentSender: ChunkSender;
  /** Which of these ids the server has: one byte each. */
  readonly has: (ids: Uint8Array) => Promise<Uint8Array>;
  readonly account: AccountId;
  /** Of the vault's contents. */
  readonly form: ContentDeps['form'];
  readonly keys: ChunkKeys;
  /** Generation of the dedup secret that `keys` come from. */
  readonly dedupGeneration: number;
  readonly clock: Clock;
  readonly random: Random;
}

export interface FileUploaderOptions {
  readonly lanes: number;
  readonly compressionLevel: number;
  readonly onProgress: ((progress: UploadProgress) => void) | undefined;
}

interface Job {
  readonly lane: Lane;
  readonly resolve: (result: FileOutcome) => void;
  readonly reject: (error: unknown) => void;
  readonly parts: AsyncIterator<Uint8Array> | undefined;
}

interface Lane {
  readonly port: LanePort;
  readonly slots: KnownSlots;
  readonly outbox: LaneRequest[];
  /** Bytes and files given and not answered yet. */
  load: number;
  /** Chunks that it was told to seal, and those of them that it has handed over. */
  claimed: number;
  handedOver: number;
}

/** What a small file costs beside its bytes, in bytes: opening it takes as long as sealing this much. */
const fileCostBytes = 16 * 1024;

/** {@link Uploader} over lanes: gives them work, asks the server for them, sends what they seal. */
export class FileUploader implements Uploader {
  readonly parallel: number;
  readonly #deps: FileUploaderDeps;
  readonly #content: ContentDeps;
  readonly #onProgress: ((progress: UploadProgress) => void) | undefined;
  readonly #lanes: readonly Lane[];
  readonly #jobs = new Map<number, Job>();
  readonly #bySignal = new WeakMap<AbortSignal, Set<number>>();
  readonly #ended = new AbortController();
  readonly #sent = new SentChunks();
  readonly #sources = new WeakMap<UploadedContent, FileSource>();
  #lastJob = 0;
  #bytesRead = 0;
  #bytesSent = 0;
  #failure: { readonly error: unknown } | undefined;
  #wakes: (() => void)[] = [];

  constructor(deps: FileUploaderDeps, options: FileUploaderOptions) {
    this.#deps = deps;
    this.#onProgress = options.onProgress;
    this.parallel = 256 * options.lanes;
    this.#lanes = Array.from({ length: options.lanes }, () => this.#startLane());
    const send = (frame: Uint8Array): void => this.#sendFrames(this.#deps.sender, [frame]);
    this.#content = {
      ...deps,
      level: options.compressionLevel,
      send,
      sendSegments: (frames) => this.#sendSegments(frames),
    };
  }

  get progress(): UploadProgress {
    return { bytesRead: this.#bytesRead, bytesSent: this.#bytesSent };
  }

  async upload(file: FileSource, signal?: AbortSignal): Promise<UploadedContent> {
    const start = (job: number): LaneRequest => ({
      kind: 'file',
      job,
      path: file.path,
      known: packKnown(file.previous, this.#deps.account),
    });
    const content = await this.#finished(await this.#run({ bytes: file.size, parts: undefined, start }, signal));
    this.#sources.set(content, file);
    return content;
  }

  async resend(content: UploadedContent, signal?: AbortSignal): Promise<void> {
    const file = this.#sources.get(content);
    if (file === undefined) throw missing();
    this.#sent.clear();
    const again = await this.upload({ path: file.path, size: file.size }, signal);
    if (!equalBytes(again.contentHash, content.contentHash))
      throw new CofferError('BUSY', 'the file has changed since');
  }

  async uploadStream(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<UploadedContent> {
    const parts = source[Symbol.asyncIterator]();
    const start = (job: number): LaneRequest => ({ kind: 'stream', job, known: undefined });
    return this.#finished(await this.#run({ bytes: 0, parts, start }, signal));
  }

  /**
   * The content of a file whose chunks are the account's own and on the server already, for this uploader's vault: only the
   * lists of segments are sent.
   */
  async adopt(file: Omit<FileOutcome, 'bytesSent'>): Promise<UploadedContent> {
    this.#throwFailure();
    return buildContent({ ...file, bytesSent: 0 }, this.#content);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.#flushChunks();
    await this.#deps.segmentSender.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new CofferError('CANCELLED', 'the upload was ended'));
    this.#ended.abort();
    await this.#deps.sender[Symbol.asyncDispose]();
    await this.#deps.segmentSender[Symbol.asyncDispose]();
    await Promise.all(this.#lanes.map(({ port }) => port[Symbol.asyncDispose]()));
  }

  #startLane(): Lane {
    const lane: Lane = {
      load: 0,
      slots: new KnownSlots(),
      outbox: [],
      claimed: 0,
      handedOver: 0,
      port: this.#deps.startLane({
        onReply: (reply) => this.#onReply(lane, reply),
        onFailure: (error) => this.#fail(error),
      }),
    };
    return lane;
  }

  async #run(
    {
      bytes,
      parts,
      start,
    }: { bytes: number; parts: AsyncIterator<Uint8Array> | undefined; start: (job: number) => LaneRequest },
    signal: AbortSignal | undefined,
  ): Promise<FileOutcome> {
    signal?.throwIfAborted();
    this.#throwFailure();
    const number = (this.#lastJob += 1);
    const lane = this.#lanes.reduce((least, one) => (one.load < least.load ? one : least));
    const cost = bytes + fileCostBytes;
    lane.load += cost;
    const stoppable = this.#stoppableBy(signal);
    stoppable?.add(number);
    try {
      return await new Promise<FileOutcome>((resolve, reject) => {
        this.#jobs.set(number, { lane, resolve, reject, parts });
        this.#post(lane, start(number));
      });
    } finally {
      lane.load -= cost;
      stoppable?.delete(number);
    }
  }

  /** The jobs that end with a signal. One listener for all: a signal looks through its listeners whenever one is added. */
  #stoppableBy(signal: AbortSignal | undefined): Set<number> | undefined {
    if (signal === undefined) return undefined;
    const known = this.#bySignal.get(signal);
    if (known !== undefined) return known;
    const jobs = new Set<number>();
    this.#bySignal.set(signal, jobs);
    const stop = (): void => {
      for (const number of jobs) this.#cancel(number, signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true, signal: this.#ended.signal });
    return jobs;
  }

  /** Requests of one turn travel together: a message costs as much as reading a small file. */
  #post({ port, outbox }: Lane, request: LaneRequest): void {
    outbox.push(request);
    if (outbox.length > 1) return;
    setImmediate(() => port.post({ kind: 'requests', requests: outbox.splice(0) }));
  }

  #finished(result: FileOutcome): Promise<UploadedContent> | UploadedContent {
    return buildContent(result, this.#content);
  }

  #onReply(lane: Lane, reply: LaneReply): void {
    switch (reply.kind) {
      case 'ask':
        void this.#answer(lane, reply.batch, reply.ids);
        break;
      case 'sealed':
        this.#sendSealed(lane, reply);
        this.#settle(reply.results);
        break;
      case 'results':
        this.#settle(reply.results);
        break;
      case 'more':
        void this.#nextPart(reply.job);
        break;
      case 'read':
        this.#bytesRead += reply.bytes;
        this.#tell();
        break;
    }
  }

  /** A chunk is sent once, however many files of a run hold it. */
  async #answer(lane: Lane, batch: number, ids: Uint8Array): Promise<void> {
    try {
      const present = await this.#deps.has(ids);
      for (const [index, id] of splitBytes(ids, 32).entries()) {
        if (present[index] === 1) continue;
        if (this.#sent.add(hashKey(id))) lane.claimed += 1;
        else present[index] = 1;
      }
      lane.port.post({ kind: 'present', batch, present });
    } catch (error) {
      this.#fail(error);
    }
  }

  #sendSealed(lane: Lane, { ref, ends }: Extract<LaneReply, { kind: 'sealed' }>): void {
    const memory = lane.slots.bytes(ref);
    const frames = ends.map((end, index) => memory.subarray(ends[index - 1] ?? 0, end));
    const release = (): void => lane.port.post({ kind: 'recycle', slot: ref.index });
    this.#sendPart(this.#deps.sender, { frames, bytes: ends.at(-1) ?? 0, release });
    lane.handedOver += frames.length;
    this.#wakeAll();
  }

  /**
   * A file may be done whose chunk is still with the other lane, which was the first to ask about it: so everything that
   * any lane was told to seal goes out before anything may count on it.
   */
  async #flushChunks(): Promise<void> {
    const claimed = this.#lanes.map((lane) => lane.claimed);
    while (this.#failure === undefined && this.#lanes.some((lane, index) => lane.handedOver < (claimed[index] ?? 0))) {
      await new Promise<void>((resolve) => {
        this.#wakes.push(resolve);
      });
    }
    this.#throwFailure();
    await this.#deps.sender.flush();
  }

  #sendFrames(sender: ChunkSender, frames: readonly Uint8Array[]): void {
    const bytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#sendPart(sender, { frames, bytes, release: () => undefined });
  }

  #sendPart(sender: ChunkSender, part: SealedPart): void {
    sender.send(part);
    this.#bytesSent += part.bytes;
    this.#tell();
  }

  /** A segment is accepted only when its chunks are there. */
  async #sendSegments(frames: readonly Uint8Array[]): Promise<void> {
    await this.#flushChunks();
    this.#sendFrames(this.#deps.segmentSender, frames);
  }

  async #nextPart(number: number): Promise<void> {
    const job = this.#jobs.get(number);
    if (job?.parts === undefined) return;
    try {
      let next = await job.parts.next();
      while (next.done !== true && next.value.byteLength === 0) next = await job.parts.next();
      job.lane.port.post({
        kind: 'part',
        job: number,
        bytes: next.done === true ? new Uint8Array(0) : Uint8Array.from(next.value),
      });
    } catch (error) {
      this.#cancel(number, error);
    }
  }

  #settle(results: PackedResults): void {
    for (const result of unpackResults(results)) {
      const job = this.#jobs.get(result.job);
      this.#jobs.delete(result.job);
      if (result.ok) job?.resolve(result);
      else job?.reject(new CofferError(result.code, result.message));
    }
  }

  #cancel(number: number, reason: unknown): void {
    const job = this.#jobs.get(number);
    if (job === undefined) return;
    this.#jobs.delete(number);
    this.#post(job.lane, { kind: 'cancel', job: number });
    job.reject(reason);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const { reject } of jobs) reject(this.#failure.error);
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #tell(): void {
    this.#onProgress?.(this.progress);
  }
}

function missing(): CofferError {
  return new CofferError('MISSING_CHUNKS', 'the server has lost content that cannot be read again', {
    hint: 'Run the command again.',
  });
}
