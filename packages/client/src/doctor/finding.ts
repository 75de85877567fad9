import { CofferError } from '@coffer/core';
import type { ErrorCode } from '@coffer/core';

export type Check = 'program' | 'profile' | 'keys' | 'space' | 'watching' | 'server' | 'certificate' | 'clock';

/** What was found of one thing that can go wrong on this machine. */
export interface Finding {
  readonly check: Check;
  /** `warning`: it works, and will not for ever; `problem`: it does not work. */
  readonly state: 'good' | 'warning' | 'problem';
  readonly text: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Of a problem. */
  readonly code?: ErrorCode;
}

/** What a check threw, as a finding. @throws what is a bug */
export function problemOf(check: Check, error: unknown): Finding {
  if (!(error instanceof CofferError)) throw error;
  const { code, message, hint } = error;
  return { check, state: 'problem', text: message, code, ...(hint !== undefined && { hint }) };
}
