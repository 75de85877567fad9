import { createCipheriv, createDecipheriv, type CipherGCM } from 'node:crypto';
import { KiB } from '@coffer/core';
import { asBytes } from './as-bytes.ts';

/** Bytes of an AES-256-GCM tag. Passed to OpenSSL everywhere: without it Node accepts tags of four bytes. */
export const tagBytes = 16;

/** Bytes of an AES-256-GCM nonce (NIST SP 800-38D §5.2.1.1: 96 bits need no extra hashing). */
export const nonceBytes = 12;

const algorithm = 'aes-256-gcm';
const options = { authTagLength: tagBytes } as const;

export interface AeadInput {
  /** 32 bytes. A key and nonce pair seals once. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
}

/**
 * AES-256-GCM of the joined `parts`, written into `target` from `offset`: ciphertext ‖ tag. Returns the bytes written.
 * The only file of Coffer that makes ciphers.
 * @throws RangeError when `target` is too small
 */
export function aeadSealInto(
  input: AeadInput & { readonly parts: readonly Uint8Array[] },
  target: Uint8Array,
  offset: number,
): number {
  const cipher = createCipheriv(algorithm, input.key, input.nonce, options);
  cipher.setAAD(input.associatedData);
  let end = offset;
  for (const part of input.parts) end = updateInto({ cipher, part, target, offset: end });
  cipher.final();
  target.set(cipher.getAuthTag(), end);
  return end + tagBytes - offset;
}

/** Node allocates what `update` returns: pieces of this size stay in the cache and out of the garbage collector's way. */
const pieceBytes = 128 * KiB;

function updateInto(step: Step): number {
  let end = step.offset;
  for (let start = 0; start < step.part.byteLength; start += pieceBytes) {
    const sealed = step.cipher.update(step.part.subarray(start, start + pieceBytes));
    step.target.set(sealed, end);
    end += sealed.byteLength;
  }
  return end;
}

interface Step {
  readonly cipher: CipherGCM;
  readonly part: Uint8Array;
  readonly target: Uint8Array;
  readonly offset: number;
}

/** AES-256-GCM: ciphertext ‖ tag. */
export function aeadSeal(input: AeadInput & { readonly plain: Uint8Array }): Uint8Array {
  const target = new Uint8Array(input.plain.byteLength + tagBytes);
  aeadSealInto({ ...input, parts: [input.plain] }, target, 0);
  return target;
}

/**
 * The plain bytes of `sealed` = ciphertext ‖ tag, or `undefined` when the tag does not fit: nothing unverified leaves this function.
 */
export function aeadOpen(input: AeadInput & { readonly sealed: Uint8Array }): Uint8Array | undefined {
  const end = input.sealed.byteLength - tagBytes;
  if (end < 0) return undefined;
  const decipher = createDecipheriv(algorithm, input.key, input.nonce, options);
  decipher.setAAD(input.associatedData);
  decipher.setAuthTag(input.sealed.subarray(end));
  const plain = decipher.update(input.sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return asBytes(plain);
}
