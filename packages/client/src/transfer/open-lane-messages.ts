import type { LaidFile, LanePlace } from '../downloader.ts';
import type { SlotRef } from './shared-slots.ts';

/** What an opening lane is started with. Secrets, in memory only. */
export interface OpenLaneSetup {
  readonly dedup: readonly { readonly g: number; readonly secret: Uint8Array }[];
}

/** One sealed chunk in the request's slot, with the front of its tuple. */
export interface SealedItem {
  readonly start: number;
  readonly end: number;
  readonly plainHash: Uint8Array;
  readonly plainBytes: number;
  readonly storedBytes: number;
  /** Generation of the dedup secret that the key follows from, or the key itself, of somebody else's chunk in a shared vault. */
  readonly by: { readonly g: number } | { readonly key: Uint8Array };
  /** The file of which these are all bytes. */
  readonly place?: Omit<LanePlace, 'release'> | undefined;
}

export interface OpenRequest {
  readonly batch: number;
  readonly sealed: SlotRef;
  /** Where the plain bytes go, one behind the other. */
  readonly plain: SlotRef;
  readonly items: readonly SealedItem[];
}

export interface OpenReply {
  readonly batch: number;
  /** End of each item in `plain`; -1 where an item did not open. */
  readonly ends: readonly number[];
  /** Of each item, what was laid down. */
  readonly laid: readonly (LaidFile | undefined)[];
}
