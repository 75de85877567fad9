import { isCofferError } from '@coffer/core';

/** The code with which `run` fails, or `accepted`. Anything but a CofferError is a bug and goes on. */
export function outcome(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    if (isCofferError(error)) return error.code;
    throw error;
  }
}

/** `bytes` with one byte changed. */
export function damaged(bytes: Uint8Array, at: number, mask = 0x01): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

/** One copy of `bytes` for each byte, with that byte changed. */
export function everyDamage(bytes: Uint8Array, mask = 0x01): Uint8Array[] {
  return Array.from(bytes, (_byte, at) => damaged(bytes, at, mask));
}
