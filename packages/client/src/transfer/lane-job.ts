import type { ErrorCode, Timestamp } from '@coffer/core';
import type { ChunkId, Hash } from '@coffer/core';
import type { ChunkRecord, LaneOutcome } from './chunk-records.ts';
import { unpackKnown } from './known-chunks.ts';
import type { ReadBuffer } from './read-buffers.ts';
import { SourceFile } from './source-file.ts';
import { SourceStream } from './source-stream.ts';

/** A chunk between being cut and being sealed; it holds its read buffer. */
export interface PendingChunk {
  readonly job: LaneJob;
  readonly attempt: number;
  readonly slot: number;
  readonly buffer: ReadBuffer;
  readonly plain: Uint8Array;
  readonly plainHash: Hash;
  readonly id: ChunkId;
}

export type LaneSource = SourceFile | SourceStream;

/** One file or stream on its way through a lane. */
export class LaneJob {
  readonly number: number;
  readonly stream: SourceStream | undefined;
  readonly known: ReadonlyMap<string, number> | undefined;
  readonly #path: string | Uint8Array;
  #records: (ChunkRecord | undefined)[] = [];
  #pending = 0;
  #attempt = 0;
  #read: { readonly size: number; readonly mtime: Timestamp; readonly mode: number } | undefined;
  #bytesSent = 0;
  isCancelled = false;

  constructor(
    number: number,
    source: { readonly path: string | Uint8Array; readonly known: Uint8Array | undefined } | undefined,
  ) {
    this.number = number;
    this.#path = source?.path ?? '';
    this.stream = source === undefined ? new SourceStream() : undefined;
    this.known = source?.known === undefined ? undefined : unpackKnown(source.known);
  }

  /** @throws as {@link SourceFile.open} */
  open(): LaneSource {
    return this.stream ?? SourceFile.open(this.#path);
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** The file changed under the reader: what was cut counts for nothing. */
  restart(): void {
    this.#attempt += 1;
    this.#records = [];
    this.#pending = 0;
  }

  isCurrent(chunk: PendingChunk): boolean {
    return !this.isCancelled && chunk.attempt === this.#attempt;
  }

  add(record: ChunkRecord): void {
    this.#records.push(record);
  }

  /** A place for a chunk whose stored size is not known yet. */
  reserve(): number {
    this.#pending += 1;
    return this.#records.push(undefined) - 1;
  }

  fill(chunk: PendingChunk, { storedBytes, sentBytes }: { storedBytes: number; sentBytes: number }): void {
    const { plainHash, id, plain } = chunk;
    this.#records[chunk.slot] = { kind: 'chunk', plainHash, id, plainBytes: plain.byteLength, storedBytes };
    this.#pending -= 1;
    this.#bytesSent += sentBytes;
  }

  finishReading(read: { readonly size: number; readonly mtime: Timestamp; readonly mode: number }): void {
    this.#read = read;
  }

  /** Undefined while chunks are missing. */
  result(): LaneOutcome | undefined {
    if (this.#read === undefined || this.#pending > 0) return undefined;
    const records = this.#records.filter((record) => record !== undefined);
    return { job: this.number, ok: true, ...this.#read, records, bytesSent: this.#bytesSent };
  }

  failure(code: ErrorCode, message: string): LaneOutcome {
    this.isCancelled = true;
    return { job: this.number, ok: false, code, message };
  }
}
