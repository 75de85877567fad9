import { CofferError } from '@coffer/core';
import type { PlanCounts } from './plan.ts';

/** How much one run may remove. */
export type MaxDelete = { readonly files: number } | { readonly percent: number };

/** A quarter; and of fewer than this many files a quarter would stop every tidying up. */
export const defaultMaxDelete: MaxDelete = { percent: 25 };
const atLeastFiles = 100;

/** `N` or `P%` as the command line has it. @throws INVALID */
export function parseMaxDelete(text: string): MaxDelete {
  const match = /^(\d{1,12})(%?)$/.exec(text.trim());
  const number = Number(match?.[1]);
  if (match !== null && match[2] === '') return { files: number };
  if (match !== null && number <= 100) return { percent: number };
  throw new CofferError('INVALID', `"${text.slice(0, 40)}" is no limit of removals`, {
    hint: 'Write it like 50 or 10%.',
  });
}

/** @throws TOO_MANY_DELETIONS when a plan would remove more than the limit */
export function checkRemovals({ removing, filesThere }: PlanCounts, limit: MaxDelete): void {
  const allowed =
    'files' in limit ? limit.files : Math.floor((Math.max(filesThere, atLeastFiles) * limit.percent) / 100);
  if (removing <= allowed) return;
  throw new CofferError(
    'TOO_MANY_DELETIONS',
    `this would remove ${removing} of ${filesThere} files; nothing was changed`,
    {
      hint: 'If this is meant, run it again with --force or a higher --max-delete.',
      details: { removing, allowed },
    },
  );
}
