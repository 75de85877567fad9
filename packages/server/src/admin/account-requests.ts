import { CofferError, type AccountId } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import type { ResponseOf } from '@coffer/protocol';
import type { AccountRequest, Accounts } from '@coffer/storage';

export type ShownRequest = ResponseOf<'admin.requestList'>['requests'][number];
/** With what deciding upon it needs. */
export type RequestDetails = ResponseOf<'admin.requestShow'>;

export interface ApproveRequest {
  readonly request: Uint8Array;
  /** Null: on the server's machine. */
  readonly by: AccountId | null;
  /** The root key sealed to the new device, for a reset. */
  readonly sealed: Uint8Array | null;
  readonly verifiedInPerson: boolean;
}

/** Requests of one answer; the protocol's limit. */
const requestsTogether = 200;

/** Those that wait first, then the newest. @throws BUSY, IO */
export async function listRequests(accounts: Accounts): Promise<ShownRequest[]> {
  const all = accounts.requests.list().toSorted((a, b) => Number(waits(b)) - Number(waits(a)));
  const shown: ShownRequest[] = [];
  for (const request of all.slice(0, requestsTogether)) shown.push(await shownOf(accounts, request));
  return shown;
}

/** @throws NOT_FOUND */
export async function showRequest(accounts: Accounts, id: Uint8Array): Promise<RequestDetails> {
  const request = accounts.requests.byId(id);
  if (request === undefined) throw unknownRequest();
  const { account, ephemeralKey } = request;
  const record = await accounts.byId(account);
  const { signKey, sealKey } = foldChain(accounts.identityStatements(account));
  return {
    ...(await shownOf(accounts, request)),
    ephemeralKey,
    // Only a reset that waits opens the escrow in it.
    unlockRecord: request.kind === 'password-reset' && waits(request) ? (record?.unlockRecord ?? null) : null,
    certificate: record?.certificate ?? null,
    signKey,
    sealKey,
  };
}

/** @throws NOT_FOUND, CONFLICT when it was decided already, EXPIRED, INVALID without a sealed key for a reset */
export function approveRequest(
  { requests }: Pick<Accounts, 'requests'>,
  { request, by, sealed, verifiedInPerson }: ApproveRequest,
): AccountRequest {
  requests.checkOpen(request);
  if (requests.byId(request)?.kind !== 'password-reset') return requests.approveChange({ request, by });
  if (sealed === null) throw new CofferError('INVALID', 'a reset is approved with the key for the new device');
  return requests.approveReset({ request, by, sealed, verifiedInPerson });
}

function waits({ state }: AccountRequest): boolean {
  return state === 'open';
}

async function shownOf(accounts: Accounts, one: AccountRequest): Promise<ShownRequest> {
  const { request, kind, state, account, createdAtMs, expiresAtMs, activeAtMs, decidedAtMs, reason } = one;
  const username = (await accounts.byId(account))?.username ?? '';
  return { request, kind, state, account, username, createdAtMs, expiresAtMs, activeAtMs, decidedAtMs, reason };
}

function unknownRequest(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such request', { hint: 'See `coffer admin requests`.' });
}
