import { concatBytes, CofferError } from '@coffer/core';
import type { Random } from '@coffer/core';
import {
  ChunkKeys,
  createCutter,
  hashPlain,
  minChunkBytes,
  sealChunk,
  sealChunkInto,
  sealedChunkBound,
} from '@coffer/crypto';
import type { Cutter, FileCutter } from '@coffer/crypto';
import { packResults } from './chunk-records.ts';
import type { LaneOutcome } from './chunk-records.ts';
import { hashKey } from './known-chunks.ts';
import { LaneJob } from './lane-job.ts';
import type { LaneSource, PendingChunk } from './lane-job.ts';
import type { LaneReply, LaneRequest, LaneSetup, PackedResults } from './lane-messages.ts';
import { ReadBuffers } from './read-buffers.ts';
import type { ReadBuffer } from './read-buffers.ts';
import { SealedBuffers } from './sealed-buffers.ts';
import type { SealedBuffer } from './sealed-buffers.ts';

export interface UploadLaneDeps {
  readonly post: (reply: LaneReply, transfer: readonly ArrayBuffer[]) => void;
  readonly random: Random;
  /** Runs work after the messages that wait; with a delay when one is given. */
  readonly later: (work: () => void, delayMs: number) => void;
}

/** Plain bytes between cutting and sealing: what the server is being asked about. */
const windowBytes = 8 * 2 ** 20;
/** Sealed bytes on their way (SYNC §Pipeline *≤ 12 MiB in flight*). */
const awayBytes = 12 * 2 ** 20;
/** Ids that are asked about together, at most. */
const askChunks = 256;
const askBytes = 2 * 2 ** 20;
/** Bytes read at once: cut and hashed while they are still in the processor's cache. */
const readBytes = 512 * 1024;
/** A file that changes while it is read is read again this often. */
const maxAttempts = 3;
const retryDelayMs = 200;
/** Results wait for company up to this number. */
const resultsTogether = 64;
/** Steps between looks at the mailbox. */
const stepsPerTurn = 32;

interface Reading {
  readonly job: LaneJob;
  readonly source: LaneSource;
  readonly cutter: FileCutter;
}

/**
 * The whole pipeline of an upload, synchronous, for a thread of its own (SYNC §Pipeline *Execute*):
 * read → cut → hash → name → (ask) → compress → seal. Reads on while it waits for answers, within bounds.
 */
export class UploadLane {
  readonly #deps: UploadLaneDeps;
  readonly #level: number;
  readonly #cutter: Cutter;
  readonly #keys: ChunkKeys;
  readonly #buffers = new ReadBuffers(3);
  readonly #out = new SealedBuffers(awayBytes);
  readonly #waiting: LaneJob[] = [];
  readonly #streams = new Map<number, LaneJob>();
  readonly #asked = new Map<number, readonly PendingChunk[]>();
  readonly #ready: { readonly chunk: PendingChunk; readonly isPresent: boolean }[] = [];
  #gathered: PendingChunk[] = [];
  #gatheredBytes = 0;
  #windowBytes = 0;
  #reading: Reading | undefined;
  #buffer: ReadBuffer | undefined;
  #start = 0;
  #filled = 0;
  #results: LaneOutcome[] = [];
  #lastBatch = 0;
  #isScheduled = false;
  #unreported = 0;

  constructor(setup: LaneSetup, deps: UploadLaneDeps) {
    this.#deps = deps;
    this.#level = setup.compressionLevel;
    this.#cutter = createCutter(setup.cutKey);
    this.#keys = ChunkKeys.from(setup.dedupSecret);
  }

  handle(request: LaneRequest): void {
    switch (request.kind) {
      case 'file':
        this.#waiting.push(new LaneJob(request.job, request));
        break;
      case 'stream':
        this.#begin(new LaneJob(request.job, undefined));
        break;
      case 'part':
        this.#streams.get(request.job)?.stream?.push(request.bytes);
        break;
      case 'cancel':
        this.#cancel(request.job);
        break;
      case 'present':
        this.#answered(request.batch, request.present);
        break;
      case 'recycle':
        this.#out.recycle(request.slot);
        break;
      case 'requests':
        for (const one of request.requests) this.handle(one);
        break;
    }
    this.#wake();
  }

  #begin(job: LaneJob): void {
    this.#streams.set(job.number, job);
    this.#waiting.push(job);
    this.#deps.post({ kind: 'more', job: job.number }, []);
  }

  #cancel(number: number): void {
    const jobs = [...this.#waiting, ...(this.#reading === undefined ? [] : [this.#reading.job])];
    const job = jobs.find((one) => one.number === number);
    if (job !== undefined) job.isCancelled = true;
    this.#streams.delete(number);
  }

  #wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#deps.later(() => {
      this.#isScheduled = false;
      this.#run();
    }, 0);
  }

  #run(): void {
    for (let steps = 0; steps < stepsPerTurn; steps += 1) {
      if (this.#sealNext() || this.#readNext() || this.#ask()) continue;
      this.#handOverWhenIdle();
      return;
    }
    this.#wake();
  }

  #answered(batch: number, present: Uint8Array): void {
    const chunks = this.#asked.get(batch) ?? [];
    this.#asked.delete(batch);
    for (const [index, chunk] of chunks.entries()) this.#ready.push({ chunk, isPresent: present[index] === 1 });
  }

  /** False when there is nothing to seal, or no room to seal it in. */
  #sealNext(): boolean {
    const next = this.#ready[0];
    if (next === undefined) return false;
    const { chunk, isPresent } = next;
    const isWanted = chunk.job.isCurrent(chunk);
    if (!isPresent) {
      // Also when its file was given up: others were told already that this chunk is under way.
      const sealed = this.#sealed(chunk);
      if (sealed === undefined) return false;
      if (isWanted) chunk.job.fill(chunk, sealed);
    } else if (isWanted) chunk.job.fill(chunk, this.#measured(chunk));
    this.#ready.shift();
    this.#windowBytes -= chunk.plain.byteLength;
    this.#buffers.release(chunk.buffer);
    this.#collect(chunk.job);
    if (this.#out.isFull) this.#handOver();
    return true;
  }

  /** A chunk that is there already: only its size is missing, and the cheapest way to that is to seal it. */
  #measured({ id, plainHash, plain }: PendingChunk): { storedBytes: number; sentBytes: number } {
    const key = this.#keys.key(plainHash);
    const sealed = sealChunk({ id, key, plain, random: this.#deps.random, level: this.#level });
    return { storedBytes: sealed.byteLength, sentBytes: 0 };
  }

  #sealed(chunk: PendingChunk): { storedBytes: number; sentBytes: number } | undefined {
    const { id, plainHash, plain } = chunk;
    const room = this.#room(32 + sealedChunkBound(plain.byteLength));
    if (room === undefined) return undefined;
    room.slot.bytes.set(id, room.used);
    const input = { id, key: this.#keys.key(plainHash), plain, random: this.#deps.random, level: this.#level };
    const storedBytes = sealChunkInto(input, room.slot.bytes, room.used + 32);
    room.used += 32 + storedBytes;
    room.ends.push(room.used);
    return { storedBytes, sentBytes: 32 + storedBytes };
  }

  #room(bytes: number): SealedBuffer | undefined {
    const room = this.#out.room(bytes);
    if (room !== undefined || this.#out.isEmpty) return room;
    this.#handOver();
    return this.#out.room(bytes);
  }

  #collect(job: LaneJob): void {
    const result = job.isCancelled ? undefined : job.result();
    if (result !== undefined) this.#report(result);
  }

  #report(result: LaneOutcome): void {
    this.#streams.delete(result.job);
    this.#results.push(result);
    if (this.#results.length >= resultsTogether && this.#out.isEmpty) this.#postResults();
  }

  #handOver(): void {
    const full = this.#out.take();
    if (full === undefined) return;
    this.#deps.post({ kind: 'sealed', ...full, results: this.#takeResults() }, []);
  }

  #handOverWhenIdle(): void {
    if (this.#ready.length > 0 || this.#asked.size > 0 || this.#canRead()) return;
    this.#handOver();
    this.#postResults();
  }

  #postResults(): void {
    if (this.#results.length > 0) this.#deps.post({ kind: 'results', results: this.#takeResults() }, []);
  }

  #takeResults(): PackedResults {
    const results = this.#results;
    this.#results = [];
    return packResults(results);
  }

  /** Asks about what is gathered, when it is much, or when nothing else can be done. */
  #ask(): boolean {
    if (this.#gathered.length === 0) return false;
    this.#lastBatch += 1;
    const ids = concatBytes(...this.#gathered.map(({ id }) => id));
    this.#asked.set(this.#lastBatch, this.#gathered);
    this.#deps.post({ kind: 'ask', batch: this.#lastBatch, ids }, [ids.buffer as ArrayBuffer]);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return true;
  }

  #canRead(): boolean {
    const { source } = this.#reading ?? {};
    return source === undefined ? this.#waiting.length > 0 : !source.isWaiting || source.isAtEnd;
  }

  #readNext(): boolean {
    if (this.#windowBytes >= windowBytes || !this.#canRead()) return false;
    const reading = this.#reading ?? this.#openNext();
    if (reading === undefined) return true;
    // A stream has asked for its next part already.
    if (reading.source.isWaiting || !this.#hasSpace(reading)) return false;
    try {
      this.#readSome(reading);
    } catch (error) {
      this.#fail(reading.job, error);
    }
    return true;
  }

  #openNext(): Reading | undefined {
    const job = this.#waiting.shift();
    if (job === undefined || job.isCancelled) return undefined;
    try {
      this.#reading = { job, source: job.open(), cutter: this.#cutter.file() };
      this.#start = this.#filled;
      return this.#reading;
    } catch (error) {
      this.#fail(job, error);
      return undefined;
    }
  }

  /** Room for the next read behind what is there; moves an unfinished piece to a fresh buffer when there is none. */
  #hasSpace({ source }: Reading): boolean {
    const capacity = this.#buffer?.bytes.byteLength ?? 0;
    const isSmall = this.#start === this.#filled && source.size <= minChunkBytes;
    const wanted = Math.max(1, isSmall ? source.size : 1);
    if (this.#buffer !== undefined && capacity - this.#filled >= wanted) return true;
    return this.#roll();
  }

  #roll(): boolean {
    const old = this.#buffer;
    const rest = old?.bytes.subarray(this.#start, this.#filled) ?? new Uint8Array(0);
    if (old !== undefined && old.holders === 1) {
      old.bytes.copyWithin(0, this.#start, this.#filled);
    } else {
      if (this.#buffers.isExhausted) return false;
      this.#buffer = this.#buffers.take();
      this.#buffer.bytes.set(rest);
      if (old !== undefined) this.#buffers.release(old);
    }
    this.#start = 0;
    this.#filled = rest.byteLength;
    return true;
  }

  #readSome(reading: Reading): void {
    const { job, source, cutter } = reading;
    const buffer = this.#buffer;
    if (buffer === undefined) throw new TypeError('a lane reads without a buffer');
    if (job.isCancelled) return this.#stopReading();
    if (!source.isAtEnd) this.#fillFrom(source, buffer);
    const isFinal = source.isAtEnd;
    const { pieces, consumed } = cutter.cut(buffer.bytes.subarray(this.#start, this.#filled), isFinal);
    for (const piece of pieces) {
      if (piece.kind === 'hole') job.add({ kind: 'hole', bytes: piece.bytes });
      else this.#cutOut(job, buffer, buffer.bytes.subarray(this.#start + piece.start, this.#start + piece.end));
    }
    this.#start += consumed;
    if (isFinal) this.#finish(reading);
    else if (source.isWaiting) this.#deps.post({ kind: 'more', job: job.number }, []);
    if (this.#gathered.length >= askChunks || this.#gatheredBytes >= askBytes) this.#ask();
  }

  #fillFrom(source: LaneSource, { bytes }: ReadBuffer): void {
    const count = source.read(bytes.subarray(this.#filled, Math.min(bytes.byteLength, this.#filled + readBytes)));
    this.#filled += count;
    this.#unreported += count;
    if (this.#unreported < 2 ** 20) return;
    this.#deps.post({ kind: 'read', bytes: this.#unreported }, []);
    this.#unreported = 0;
  }

  #cutOut(job: LaneJob, buffer: ReadBuffer, plain: Uint8Array): void {
    const plainHash = hashPlain(plain);
    const id = this.#keys.id(plainHash);
    const storedBytes = job.known?.get(hashKey(plainHash));
    if (storedBytes !== undefined) {
      job.add({ kind: 'chunk', plainHash, id, plainBytes: plain.byteLength, storedBytes });
      return;
    }
    buffer.holders += 1;
    this.#windowBytes += plain.byteLength;
    this.#gatheredBytes += plain.byteLength;
    this.#gathered.push({ job, attempt: job.attempt, slot: job.reserve(), buffer, plain, plainHash, id });
  }

  #finish({ job, source }: Reading): void {
    const isWhole = source.isUnchanged();
    const { size, mtime, mode } = source;
    this.#stopReading();
    if (isWhole) {
      job.finishReading({ size, mtime, mode });
      this.#collect(job);
    } else if (job.attempt + 1 < maxAttempts) {
      job.restart();
      this.#deps.later(() => {
        this.#waiting.push(job);
        this.#wake();
      }, retryDelayMs * job.attempt);
    } else this.#report(job.failure('BUSY', 'the file kept changing while it was read'));
  }

  #stopReading(): void {
    this.#reading?.source[Symbol.dispose]();
    this.#reading = undefined;
    this.#start = this.#filled;
  }

  #fail(job: LaneJob, error: unknown): void {
    if (!(error instanceof CofferError)) throw error;
    this.#stopReading();
    this.#report(job.failure(error.code, error.message));
  }
}
