import type { ServerId } from '@coffer/core';
import { approveRequest, listRequests, showRequest } from '@coffer/server';
import type { RequestDetails, ShownRequest } from '@coffer/server';
import { Accounts, readIdentity } from '@coffer/storage';
import { signedInAccount } from './compose.ts';
import type { CommandContext } from './context.ts';

export interface Approval {
  readonly request: Uint8Array;
  readonly sealed: Uint8Array | null;
  readonly verifiedInPerson: boolean;
}

/** Requests where an administrator decides upon them: on the server, or in a folder of this machine. */
export interface RequestDesk {
  readonly server: ServerId;
  list(): Promise<readonly ShownRequest[]>;
  show(request: Uint8Array): Promise<RequestDetails>;
  /** When it takes effect; null: it is in force. */
  approve(approval: Approval): Promise<{ readonly activeAtMs: number | null }>;
  reject(rejection: { readonly request: Uint8Array; readonly reason: string }): Promise<void>;
}

/** Opens it for `work`, and closes it. @throws NOT_LOGGED_IN, NOT_ALLOWED, UNREACHABLE; NOT_FOUND for a folder without a storage */
export async function withRequestDesk<Result>(
  context: CommandContext,
  storage: string | undefined,
  work: (desk: RequestDesk) => Promise<Result>,
): Promise<Result> {
  if (storage !== undefined) return await deskHere(context, storage, work);
  await using account = await signedInAccount(context);
  const { accounts } = account.server;
  const { signal } = context;
  return await work({
    server: account.info.serverId,
    list: () => accounts.requests(signal),
    show: (request) => accounts.showRequest(request, signal),
    approve: (approval) => accounts.approveRequest(approval, signal),
    reject: (rejection) => accounts.rejectRequest(rejection, signal),
  });
}

/** Beside a running daemon, which ends sessions by itself when a password was changed. */
async function deskHere<Result>(
  context: CommandContext,
  storage: string,
  work: (desk: RequestDesk) => Promise<Result>,
): Promise<Result> {
  const { serverId: server } = await readIdentity(storage);
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  const tell = async (account: Uint8Array, word: string, request: Uint8Array): Promise<void> => {
    await accounts.notifications.add(account, { kind: 'request-decided', word, request });
  };
  return await work({
    server,
    list: () => listRequests(accounts),
    show: (request) => showRequest(accounts, request),
    approve: async (approval) => {
      const decided = approveRequest(accounts, { ...approval, by: null });
      await tell(decided.account, 'approved', decided.request);
      return decided;
    },
    reject: async (rejection) => {
      const decided = accounts.requests.reject({ ...rejection, by: null });
      await tell(decided.account, 'rejected', decided.request);
    },
  });
}
