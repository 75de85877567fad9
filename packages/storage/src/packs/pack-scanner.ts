import { crc32 } from 'node:zlib';
import type { RecordHeader } from './pack-format.ts';
import { decodeRecordHeader, recordHeaderBytes } from './pack-format.ts';

/** One step through a pack. */
export type Scanned =
  | {
      readonly type: 'record';
      readonly offset: number;
      readonly bytes: number;
      readonly header: RecordHeader;
      readonly payload: Uint8Array;
    }
  /** A whole header whose payload is not what was written; the next record follows it. */
  | { readonly type: 'damaged'; readonly offset: number; readonly bytes: number; readonly header: RecordHeader }
  /** Bytes that are no record. Something follows only if `resumed`. */
  | { readonly type: 'gap'; readonly offset: number; readonly bytes: number; readonly resumed: boolean };

export interface ScanOptions {
  /** A record begins here. */
  readonly from: number;
  /** Nothing is read from here on. */
  readonly to: number;
  /** As `Packs.read` of the pack. */
  readonly read: (
    range: { readonly offset: number; readonly length: number },
    into?: Uint8Array,
  ) => Promise<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of one read. One record may make a window larger, since it is handed out whole. */
const windowBytes = 4 * 1024 * 1024;

/**
 * Every record of a pack with its checksum checked, in order; views are valid until the next step. After bytes that are
 * no record it looks for the next place where a header with a right checksum stands, so that one flipped length does
 * not hide what lies behind it.
 */
export async function* scanPack(options: ScanOptions): AsyncGenerator<Scanned, void, undefined> {
  const window = new ScanWindow(options);
  let offset = options.from;
  while (offset < options.to) {
    options.signal?.throwIfAborted();
    const scanned = await scanAt(window, offset);
    yield scanned;
    offset += scanned.bytes;
  }
}

async function scanAt(window: ScanWindow, offset: number): Promise<Scanned> {
  const header = decodeRecordHeader(await window.at(offset, recordHeaderBytes), 0);
  const bytes = recordHeaderBytes + (header?.payloadBytes ?? 0);
  if (!header || offset + bytes > window.end) return gapAt(window, offset);
  const record = await window.at(offset, bytes);
  const payload = record.subarray(recordHeaderBytes);
  // The window may have moved: the ids must be views of the bytes that are handed out.
  const whole = decodeRecordHeader(record, 0) ?? header;
  if (crc32(payload) === header.payloadCrc) return { type: 'record', offset, bytes, header: whole, payload };
  return { type: 'damaged', offset, bytes, header: whole };
}

async function gapAt(window: ScanWindow, offset: number): Promise<Scanned> {
  for (let at = offset + 1; at + recordHeaderBytes <= window.end;) {
    const bytes = await window.at(at, Math.min(windowBytes, window.end - at));
    const found = findHeader(bytes, ({ start, bytes: length }) => at + start + length <= window.end);
    if (found >= 0) return { type: 'gap', offset, bytes: at + found - offset, resumed: true };
    at += Math.max(1, bytes.byteLength - recordHeaderBytes + 1);
  }
  return { type: 'gap', offset, bytes: window.end - offset, resumed: false };
}

function findHeader(
  bytes: Uint8Array,
  fits: (found: { readonly start: number; readonly bytes: number }) => boolean,
): number {
  for (let start = 0; start + recordHeaderBytes <= bytes.byteLength; start += 1) {
    const header = decodeRecordHeader(bytes, start);
    if (header && fits({ start, bytes: recordHeaderBytes + header.payloadBytes })) return start;
  }
  return -1;
}

/** The part of the pack that is in memory. */
class ScanWindow {
  readonly #options: ScanOptions;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Every window is read into the same memory. */
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  get end(): number {
    return this.#options.to;
  }

  /** `length` bytes at `offset`, fewer at the end. */
  async at(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.end - offset));
    const held = offset >= this.#start && offset + wanted <= this.#start + this.#bytes.byteLength;
    if (!held) {
      const bytes = Math.min(Math.max(wanted, windowBytes), this.end - offset);
      if (this.#buffer.byteLength < bytes) this.#buffer = new Uint8Array(bytes);
      this.#bytes = await this.#options.read({ offset, length: bytes }, this.#buffer);
      this.#start = offset;
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + wanted);
  }
}
