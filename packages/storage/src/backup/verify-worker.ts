import { CofferError } from '@coffer/core';
import type { ErrorCode } from '@coffer/core';
import { parentPort, workerData } from 'node:worker_threads';
import { verifyAccounts } from './verify-accounts.ts';
import type { VerifiedAccounts } from './verify-accounts.ts';

export interface VerifyReply {
  readonly verified?: VerifiedAccounts;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

const { file } = workerData as { readonly file: string };

parentPort?.postMessage(answer());

function answer(): VerifyReply {
  try {
    return { verified: verifyAccounts(file) };
  } catch (error) {
    if (!(error instanceof CofferError)) return { error: { code: 'INTERNAL', message: String(error) } };
    return { error: { code: error.code, message: error.message } };
  }
}
