import { CofferError, formatSize } from '@coffer/core';

const makeRoom = 'Purge old versions, remove files and wait for the trash to empty, or ask the administrator for more.';
const askTheOwner =
  'It is your part of what the owner of this folder may store that is used up: remove files there that you have stored, or ask the owner to make room.';

/** By how much a quota is too small, as far as the server said; `neededBytes` of plain content wait, which may be stored in less. */
export function shortOfQuota(error: CofferError, neededBytes: number): CofferError {
  const { usedBytes, quotaBytes } = error.details;
  const isTold = typeof usedBytes === 'number' && typeof quotaBytes === 'number';
  const left = isTold
    ? `, ${formatSize(Math.max(0, quotaBytes - usedBytes))} of ${formatSize(quotaBytes)} are left`
    : '';
  return new CofferError('QUOTA', `the quota is too small: up to ${formatSize(neededBytes)} more are needed${left}`, {
    hint: `What was sent before is in the vault, and removals were made. ${error.details['of'] === 'member' ? askTheOwner : makeRoom}`,
    cause: error,
    details: error.details,
  });
}
