import type { ServerId } from '@coffer/core';
import { approveRequest, listRequests, showRequest } from '@coffer/server';
import type { RequestDetails, ShownRequest } from '@coffer/server';
import { Accounts, readIdentity } from '@coffer/storage';
import type { AccountRequest } from '@coffer/storage';
import { auditedWork } from './admin-place.ts';
import { signedInAccount } from './compose.ts';
import type { CommandContext } from './context.ts';

interface Approval {
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
  const decide = async (event: string, decision: Decision): Promise<AccountRequest> =>
    await auditedWork(context, { storage, event }, async () => {
      const decided = decision.make();
      const { account: subject, kind, request } = decided;
      await accounts.notifications.add(subject, { kind: 'request-decided', word: decision.word, request });
      return { result: decided, subject, note: kind };
    });
  return await work({
    server,
    list: () => listRequests(accounts),
    show: (request) => showRequest(accounts, request),
    approve: (approval) =>
      decide('admin.requestApprove', {
        word: 'approved',
        make: () => approveRequest(accounts, { ...approval, by: null }),
      }),
    reject: async (rejection) => {
      const make = (): AccountRequest => accounts.requests.reject({ ...rejection, by: null });
      await decide('admin.requestReject', { word: 'rejected', make });
    },
  });
}

interface Decision {
  readonly word: 'approved' | 'rejected';
  readonly make: () => AccountRequest;
}
