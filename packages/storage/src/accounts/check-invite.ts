import { CofferError } from '@coffer/core';
import type { Invite } from './account-record.ts';
import { canonicalUsername } from './username.ts';

/** Whether an account of this name may be made with the invite now. @throws NOT_FOUND, EXPIRED, NOT_ALLOWED (for another name) */
export function checkInvite(
  invite: Invite | undefined,
  { username, nowMs }: { readonly username: string; readonly nowMs: number },
): asserts invite is Invite {
  if (!invite) throw new CofferError('NOT_FOUND', 'this invite is not known', { hint: askForInvite });
  if (invite.usedAtMs !== null)
    throw new CofferError('EXPIRED', 'this invite was used already', {
      hint: 'If it was you, sign in with `coffer login`; otherwise tell the administrator and ask for a new one.',
    });
  if (invite.expiresAtMs <= nowMs) throw new CofferError('EXPIRED', 'this invite has expired', { hint: askForInvite });
  if (invite.username !== null && canonicalUsername(invite.username) !== canonicalUsername(username)) {
    throw new CofferError('NOT_ALLOWED', 'this invite is for another username', {
      hint: 'Leave --username out: the invite names the account.',
    });
  }
}

const askForInvite = 'Ask the administrator for a new one.';
