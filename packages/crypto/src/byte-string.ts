import { z } from 'zod';

/** Schema of a byte string with `min` to `max` bytes. */
export function byteString(min: number, max: number = min) {
  return z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.byteLength >= min && value.byteLength <= max,
    `${min} to ${max} bytes expected`,
  );
}
