import { concatBytes, u32 } from '@coffer/core';
import { invalid } from './refuse.ts';

/**
 * The parts of a canonical CBOR array of `count` byte strings, as views of `bytes`: a signed part must be kept as it
 * came, and a body of a megabyte need not be copied.
 * @throws INVALID on anything else, trailing bytes included
 */
export function splitByteStrings(bytes: Uint8Array, count: number): Uint8Array[] {
  if (bytes[0] !== 0x80 + count) throw invalid('not an envelope of byte strings');
  const parts: Uint8Array[] = [];
  let at = 1;
  for (let index = 0; index < count; index += 1) {
    const { start, end } = byteStringAt(bytes, at);
    // A Buffer is a Uint8Array with other methods; what is handed out is always the plain kind.
    parts.push(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
    at = end;
  }
  if (at !== bytes.byteLength) throw invalid('bytes after the end of an envelope');
  return parts;
}

/** The canonical CBOR array of `parts` as byte strings. */
export function joinByteStrings(parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    Uint8Array.of(0x80 + parts.length),
    ...parts.flatMap((part) => [byteStringHead(part.byteLength), part]),
  );
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function byteStringAt(bytes: Uint8Array, at: number): Range {
  const first = bytes[at] ?? 0;
  const lengthBytes = first < 0x58 ? 0 : first === 0x58 ? 1 : first === 0x59 ? 2 : 4;
  if (first < 0x40 || first > 0x5a) throw invalid('an envelope holds something other than byte strings');
  if (at + 1 + lengthBytes > bytes.byteLength) throw invalid('an envelope is cut off');
  let length = first - 0x40;
  if (lengthBytes > 0) {
    length = 0;
    for (let index = 1; index <= lengthBytes; index += 1) length = length * 256 + (bytes[at + index] ?? 0);
  }
  const start = at + 1 + lengthBytes;
  if (byteStringHead(length).byteLength !== 1 + lengthBytes) throw invalid('an envelope is not canonical');
  if (start + length > bytes.byteLength) throw invalid('an envelope is cut off');
  return { start, end: start + length };
}

function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 + length);
  const bytes = u32(length);
  if (length < 0x100) return Uint8Array.of(0x58, length);
  if (length < 0x1_0000) return concatBytes(Uint8Array.of(0x59), bytes.subarray(2));
  return concatBytes(Uint8Array.of(0x5a), bytes);
}
