import { lp } from '@coffer/core';
import { crc32 } from 'node:zlib';
import type { PackProgress, VaultFacts } from './facts.ts';

/**
 * SQLite does not notice a flipped bit inside a row. A wrong `indexed_bytes` would make a recovery cut acknowledged
 * records, and a wrong head would refuse every commit, so these rows carry their own checksum.
 */
export function packRowCrc({ pack, kind, indexedBytes, sealed }: Omit<PackProgress, 'owner'>): number {
  return crc32(lp(pack, kind, indexedBytes, sealed ? 1 : 0));
}

export function vaultRowCrc({ owner, kind, seq, head, receivedAtMs, state }: Omit<VaultFacts, 'vault'>): number {
  return crc32(lp(owner, kind, seq, head, receivedAtMs, state));
}
