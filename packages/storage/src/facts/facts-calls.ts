import type { ErrorCode, ErrorDetails } from '@coffer/core';
import type { FactsWriter } from './facts-writer.ts';

/** A call of the index's writer, as it crosses to its thread. */
export interface FactsCall {
  readonly id: number;
  readonly method: keyof FactsWriter | 'open';
  readonly args: readonly unknown[];
}

export interface FactsReply {
  readonly id: number;
  readonly result?: unknown;
  /** Without a code: a bug. */
  readonly error?: {
    readonly code: ErrorCode | undefined;
    readonly message: string;
    readonly details: ErrorDetails;
    readonly stack: string | undefined;
  };
}
