import type { AccountId } from '@coffer/core';
import type { UsageDifference } from '@coffer/storage';

/** What an account stores, as it was recorded and as it was counted. */
export interface StoredDifference {
  readonly account: AccountId;
  readonly recordedBytes: number;
  readonly countedBytes: number;
}

/** In two numbers. What was recorded may have been below nothing, which no number of the protocol is. */
export function differenceOf({ account, recorded, counted }: UsageDifference): StoredDifference {
  return {
    account,
    recordedBytes: Math.max(0, recorded.chunkBytes + recorded.journalBytes),
    countedBytes: counted.chunkBytes + counted.journalBytes,
  };
}
