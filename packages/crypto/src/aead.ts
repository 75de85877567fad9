import { createCipheriv, createDecipheriv, type CipherGCM, type DecipherGCM } from 'node:crypto';
import { KiB } from '@coffer/core';

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

/** Node allocates what `update` returns: memory for a whole chunk would come from the kernel and be faulted in page by page, which costs more than the cipher. */
const pieceBytes = 64 * KiB;

function updateInto(step: Step): number {
  let end = step.offset;
  for (let start = 0; start < step.part.byteLength; start += pieceBytes) {
    const piece = step.cipher.update(step.part.subarray(start, start + pieceBytes));
    step.target.set(piece, end);
    end += piece.byteLength;
  }
  return end;
}

interface Step {
  readonly cipher: CipherGCM | DecipherGCM;
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
export function aeadOpen(input: SealedInput): Uint8Array | undefined {
  const plain = new Uint8Array(Math.max(0, input.sealed.byteLength - tagBytes));
  return decrypted(input, plain) ? plain : undefined;
}

/** As {@link aeadOpen}, in memory that the next call on this thread uses again: for chunks, whose fresh memory costs more than their cipher. */
export function aeadOpenReusing(input: SealedInput): Uint8Array | undefined {
  const bytes = Math.max(0, input.sealed.byteLength - tagBytes);
  if (opened.byteLength < bytes) opened = new Uint8Array(bytes);
  const plain = opened.subarray(0, bytes);
  return decrypted(input, plain) ? plain : undefined;
}

export type SealedInput = AeadInput & { readonly sealed: Uint8Array };

/** Grows to the largest chunk. */
let opened = new Uint8Array(0);

function decrypted(input: SealedInput, target: Uint8Array): boolean {
  const end = input.sealed.byteLength - tagBytes;
  if (end < 0) return false;
  const cipher = createDecipheriv(algorithm, input.key, input.nonce, options);
  cipher.setAAD(input.associatedData);
  cipher.setAuthTag(input.sealed.subarray(end));
  updateInto({ cipher, part: input.sealed.subarray(0, end), target, offset: 0 });
  try {
    cipher.final();
    return true;
  } catch {
    target.fill(0);
    return false;
  }
}
