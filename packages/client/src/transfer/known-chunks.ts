import { equalBytes } from '@coffer/core';
import type { AccountId } from '@coffer/core';
import { isHole, isSegmented, isSharedTuple } from '@coffer/journal';
import type { Content } from '@coffer/journal';

const entryBytes = 36;

/**
 * Hashes and stored sizes of a version's chunks that `own` has uploaded, packed for a lane; undefined when there are none listed
 * here. What another member says of a chunk may be a lie that only opening it shows: such chunks are sealed and sent anew.
 */
export function packKnown(content: Content | undefined, own: AccountId): Uint8Array | undefined {
  if (content === undefined || isSegmented(content)) return undefined;
  const chunks = content
    .filter((tuple) => !isHole(tuple))
    .filter((tuple) => !isSharedTuple(tuple) || equalBytes(tuple[3], own));
  if (chunks.length === 0) return undefined;
  const bytes = new Uint8Array(chunks.length * entryBytes);
  const view = new DataView(bytes.buffer);
  for (const [index, [plainHash, , storedBytes]] of chunks.entries()) {
    bytes.set(plainHash, index * entryBytes);
    view.setUint32(index * entryBytes + 32, storedBytes ?? 0);
  }
  return bytes;
}

/** Stored bytes by plain hash, as {@link hashKey} names it. */
export function unpackKnown(bytes: Uint8Array): ReadonlyMap<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const known = new Map<string, number>();
  for (let at = 0; at < bytes.byteLength; at += entryBytes) {
    known.set(hashKey(bytes.subarray(at, at + 32)), view.getUint32(at + 32));
  }
  return known;
}

/** A map key of 32 bytes, half the memory of hex. */
export function hashKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
