import { crc32 } from 'node:zlib';
import type { AccountId, VaultId } from '@coffer/core';
import { CofferError } from '@coffer/core';

/** What one record of a pack holds (STORAGE §Pack). Numbers are append-only. */
export const recordKinds = { chunk: 1, segment: 2, commit: 3, statement: 4 } as const;

type RecordKind = (typeof recordKinds)[keyof typeof recordKinds];

/** Version in the header of every pack written by this code. */
const packVersion = 1;

/** `COFFERPK` ‖ u32 version. */
export const packHeaderBytes = 12;

/** Everything of a record before its payload. */
export const recordHeaderBytes = 104;

/** Twice the largest data frame (4.25 MiB): a length above it is damage, and nothing is ever allocated for it. */
const recordPayloadLimit = 8 * 1024 * 1024 + 512 * 1024;

/** The clear facts of a record; the payload lies behind them. */
export interface RecordHeader {
  readonly kind: RecordKind;
  readonly vault: VaultId;
  /** 32 bytes: chunk or segment id, commit hash, SHA-256 of a statement's payload. */
  readonly id: Uint8Array;
  readonly uploader: AccountId;
  readonly receivedAtMs: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

/** A record to append. The payload's parts are written in order, without copying; they belong to the pack from now on. */
export interface PackRecord extends Omit<RecordHeader, 'payloadBytes' | 'payloadCrc'> {
  readonly payload: readonly Uint8Array[];
}

const magic = Buffer.from('COFFERPK', 'latin1');
const crcOffset = 96;

export function encodePackHeader(): Uint8Array {
  const bytes = Buffer.alloc(packHeaderBytes);
  magic.copy(bytes);
  bytes.writeUInt32BE(packVersion, magic.byteLength);
  return bytes;
}

/** `undefined` when the bytes do not begin a pack. @throws UPGRADE_REQUIRED on a version newer than this code */
export function decodePackHeader(bytes: Uint8Array): { readonly version: number } | undefined {
  const header = view(bytes);
  if (header.byteLength < packHeaderBytes || magic.compare(header, 0, magic.byteLength) !== 0) return undefined;
  const version = header.readUInt32BE(magic.byteLength);
  if (version > packVersion && version < newestPlausibleVersion) throw newerPack(version);
  return version === packVersion ? { version } : undefined;
}

/** Versions grow by one; a number above this is a damaged header, not news from the future. */
const newestPlausibleVersion = 1000;

function newerPack(version: number): CofferError {
  return new CofferError('UPGRADE_REQUIRED', `a pack has format ${version}; this program knows ${packVersion}`, {
    hint: 'Start the newer version of Coffer that wrote this storage.',
    details: { version },
  });
}

export function payloadBytesOf(record: PackRecord): number {
  let bytes = 0;
  for (const part of record.payload) bytes += part.byteLength;
  return bytes;
}

/** The 104 bytes that stand before the payload (FORMAT §Packs and server storage). */
export function encodeRecordHeader(record: PackRecord, payloadBytes: number): Uint8Array {
  const header = Buffer.allocUnsafe(recordHeaderBytes);
  header.writeUInt32BE(payloadBytes, 0);
  header.writeUInt32BE(record.kind * 0x1000000, 4);
  header.set(record.vault, 8);
  header.set(record.id, 40);
  header.set(record.uploader, 72);
  header.writeUInt32BE(Math.floor(record.receivedAtMs / 0x100000000), 88);
  header.writeUInt32BE(record.receivedAtMs % 0x100000000, 92);
  header.writeUInt32BE(crc32(header.subarray(0, crcOffset)), crcOffset);
  header.writeUInt32BE(crcOf(record.payload), crcOffset + 4);
  return header;
}

function crcOf(parts: readonly Uint8Array[]): number {
  let crc = 0;
  for (const part of parts) crc = crc32(part, crc);
  return crc;
}

/** The record header at `offset`, or `undefined` when the bytes there are none or too few. Ids are views of `bytes`. */
export function decodeRecordHeader(bytes: Uint8Array, offset: number): RecordHeader | undefined {
  if (bytes.byteLength - offset < recordHeaderBytes || !looksLikeHeader(bytes, offset)) return undefined;
  const header = view(bytes).subarray(offset, offset + recordHeaderBytes);
  if (crc32(header.subarray(0, crcOffset)) !== header.readUInt32BE(crcOffset)) return undefined;
  // Plain arrays: what copies an id with `slice` would get a view of a Buffer, and with it whatever is read there next.
  const part = (from: number, length: number) => new Uint8Array(header.buffer, header.byteOffset + from, length);
  return {
    kind: header[4] as RecordKind,
    vault: part(8, 32),
    id: part(40, 32),
    uploader: part(72, 16),
    receivedAtMs: header.readUInt32BE(88) * 0x100000000 + header.readUInt32BE(92),
    payloadBytes: header.readUInt32BE(0),
    payloadCrc: header.readUInt32BE(crcOffset + 4),
  };
}

/** Cheap enough to try at every offset when a scan has to find its place again. */
function looksLikeHeader(bytes: Uint8Array, offset: number): boolean {
  const kind = bytes[offset + 4] ?? 0;
  if (kind < recordKinds.chunk || kind > recordKinds.statement) return false;
  if (bytes[offset + 5] !== 0 || bytes[offset + 6] !== 0 || bytes[offset + 7] !== 0) return false;
  return view(bytes).readUInt32BE(offset) <= recordPayloadLimit;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
