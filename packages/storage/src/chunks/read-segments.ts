import type { AccountId } from '@coffer/core';
import type { PackPlace, Packs } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';

export interface SegmentPlaces {
  readonly owner: AccountId;
  readonly places: readonly PackPlace[];
}

/** Payloads of stored segments, each an array of its own. @throws DAMAGED, NOT_FOUND, IO */
export async function readSegments(packs: Packs, { owner, places }: SegmentPlaces): Promise<Uint8Array[]> {
  const payloads: Uint8Array[] = [];
  for (const place of places) {
    const bytes = await packs.read({
      owner,
      kind: 'chunks',
      pack: place.pack,
      offset: place.offset,
      length: place.bytes,
    });
    payloads.push(new Uint8Array(openRecord(bytes, { place, at: 0 }).payload));
  }
  return payloads;
}
