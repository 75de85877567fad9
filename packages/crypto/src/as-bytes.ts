/**
 * The same bytes without `Buffer`'s habits: a secret in a Buffer turns into readable text wherever it meets a string, and its
 * `slice` shares memory where that of a `Uint8Array` copies. No Buffer leaves this package.
 */
export function asBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
