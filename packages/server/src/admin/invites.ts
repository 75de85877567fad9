import { CofferError, dayMs, idKey, type AccountId, type Clock, type IdKey } from '@coffer/core';
import type { RequestOf, ResponseOf } from '@coffer/protocol';
import type { Accounts, Invite } from '@coffer/storage';

/** Longer than anybody means; an invite that lies around is a door that stays open. */
const maxInviteMs = 366 * dayMs;
/** Bytes of the hash of its token by which an invite is named. */
const inviteIdBytes = 8;
/** Names of one answer; the protocol's limit. */
const makersNamed = 100;

/** An invite as administrators see it: never its token, of which the server has the hash. */
export type ShownInvite = ResponseOf<'admin.inviteList'>['invites'][number];

export interface MakeInvite extends RequestOf<'admin.inviteCreate'> {
  /** Null: on the server's machine. */
  readonly createdBy: AccountId | null;
}

/** @throws EXISTS when the name is taken, INVALID, LIMIT */
export async function makeInvite(
  { accounts, clock }: { readonly accounts: Accounts; readonly clock: Clock },
  { validMs, ...invite }: MakeInvite,
): Promise<ResponseOf<'admin.inviteCreate'>> {
  if (validMs < 1 || validMs > maxInviteMs) {
    throw new CofferError('INVALID', 'an invite is valid for a year at most', {
      hint: 'Write for example --valid 7d.',
    });
  }
  const expiresAtMs = clock.nowMs() + validMs;
  await accounts.createInvite({ ...invite, expiresAtMs });
  return { id: idOf(invite.tokenHash), expiresAtMs };
}

/** With the names of those who made them, unless they are gone. */
export async function listInvites(accounts: Accounts): Promise<ResponseOf<'admin.inviteList'>> {
  const invites = await accounts.invites();
  const ids = new Map<IdKey, AccountId>();
  for (const { createdBy } of invites) if (createdBy !== null) ids.set(idKey(createdBy), createdBy);
  const makers: ResponseOf<'admin.inviteList'>['makers'] = [];
  for (const account of [...ids.values()].slice(0, makersNamed)) {
    const username = (await accounts.byId(account))?.username ?? '';
    if (username !== '') makers.push({ account, username });
  }
  return { invites: invites.map(shown), makers };
}

/** By the id that {@link listInvites} shows. @throws NOT_FOUND, also when it was used */
export async function revokeInvite(accounts: Accounts, id: Uint8Array): Promise<void> {
  const found = (await accounts.invites()).find(({ tokenHash }) => idKey(idOf(tokenHash)) === idKey(id));
  if (found === undefined)
    throw new CofferError('NOT_FOUND', 'there is no such invite', { hint: 'See `coffer admin invites`.' });
  await accounts.revokeInvite(found.tokenHash);
}

function idOf(tokenHash: Uint8Array): Uint8Array {
  return tokenHash.subarray(0, inviteIdBytes);
}

function shown(invite: Invite): ShownInvite {
  const { tokenHash, username, role, quotaBytes, createdAtMs, expiresAtMs, usedAtMs, createdBy } = invite;
  return { id: idOf(tokenHash), username, role, quotaBytes, createdAtMs, expiresAtMs, usedAtMs, createdBy };
}
