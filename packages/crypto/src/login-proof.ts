import { createHmac } from 'node:crypto';
import { lp } from '@coffer/core';
import { asBytes } from './as-bytes.ts';

/**
 * Proof that this side holds the OPAQUE session key on this very TLS connection (CRYPTO §Login):
 * HMAC-SHA-256 under the session key over `lp("coffer/1 login proof", side, transcript)`. Compare in constant time.
 */
export function loginProof(sessionKey: Uint8Array, side: 'client' | 'server', transcript: Uint8Array): Uint8Array {
  const mac = createHmac('sha256', sessionKey).update(lp('coffer/1 login proof', side, transcript));
  return asBytes(mac.digest());
}
