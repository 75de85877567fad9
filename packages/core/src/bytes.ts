import { timingSafeEqual } from 'node:crypto';

/** Bytes in one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}

/** Equality in time that depends only on the lengths. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** Order by unsigned bytes, shorter first on a tie; for sorting, never for secrets. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function toHex(bytes: Uint8Array): string {
  // Not by way of a Buffer: taking `.buffer` of a small array moves its bytes out of the heap, which costs ten times more.
  return bytes.toHex();
}

/** @throws SyntaxError when `text` is not an even number of hex digits */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** @throws TypeError on bytes that are not well-formed UTF-8 */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Cuts `n × size` bytes into views of `size` bytes. @throws RangeError when the length is no multiple */
export function splitBytes(bytes: Uint8Array, size: number): Uint8Array[] {
  if (bytes.byteLength % size !== 0) throw new RangeError(`${bytes.byteLength} bytes are no multiple of ${size}`);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.byteLength; offset += size) parts.push(bytes.subarray(offset, offset + size));
  return parts;
}
