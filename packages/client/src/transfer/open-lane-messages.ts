/** What an opening lane is started with. Secrets, in memory only. */
export interface OpenLaneSetup {
  readonly dedup: readonly { readonly g: number; readonly secret: Uint8Array }[];
}

/** One sealed chunk in the request's buffer, with the front of its tuple. */
export interface SealedItem {
  readonly start: number;
  readonly end: number;
  readonly plainHash: Uint8Array;
  readonly plainBytes: number;
  readonly storedBytes: number;
  /** Generation of the dedup secret. */
  readonly g: number;
}

export interface OpenRequest {
  readonly batch: number;
  readonly buffer: ArrayBuffer;
  readonly items: readonly SealedItem[];
}

export interface OpenReply {
  readonly batch: number;
  /** Comes back to be used again. */
  readonly sealed: ArrayBuffer;
  /** Plain bytes, one behind the other. */
  readonly plain: ArrayBuffer;
  /** End of each item in `plain`; -1 where an item did not open. */
  readonly ends: readonly number[];
}
