import { createHmac } from 'node:crypto';
import { lp } from '@coffer/core';

/** Proof of one side that it holds the OPAQUE session key on this very connection (CRYPTO §Login); compare in constant time. */
export function loginProof(sessionKey: Uint8Array, side: 'client' | 'server', transcript: Uint8Array): Uint8Array {
  const mac = createHmac('sha256', sessionKey)
    .update(lp('coffer/1 login proof', side, transcript))
    .digest();
  return new Uint8Array(mac);
}
