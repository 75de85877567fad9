import { equalBytes } from '@coffer/core';
import type { Handlers } from '@coffer/protocol';
import { approveRequest, listRequests, showRequest } from '../admin/account-requests.ts';
import type { Connection } from '../session/connection.ts';
import { loggedFor, type AdminOperation } from './logged.ts';
import type { Services } from './services.ts';

type RequestOperation = Extract<AdminOperation, `admin.request${string}`>;

/** What administrators decide upon; who may is decided in `authorize`, and each leaves a line in the log. */
export function adminRequestHandlers(services: Services): Pick<Handlers<Connection>, RequestOperation> {
  const { accounts, sessions, notifications } = services;
  const logged = loggedFor(services);
  return {
    'admin.requestList': async () => ({ requests: await listRequests(accounts) }),
    // It hands out sealed secrets: seen by the other administrators.
    'admin.requestShow': logged('admin.requestShow', async ({ request }) => {
      const shown = await showRequest(accounts, request);
      return { response: shown, subject: shown.account };
    }),
    'admin.requestApprove': logged('admin.requestApprove', async (approval, { context }) => {
      const { account, kind, state, activeAtMs, request } = approveRequest(accounts, {
        ...approval,
        by: context.account,
      });
      // At once: the administrator's own session goes on when it is their own password.
      const isChange = kind === 'password-change';
      if (isChange && equalBytes(context.account, account)) context.authEpoch += 1;
      if (isChange) sessions.endAccount(account, 'the password was changed', context);
      await notifications.notify(account, { kind: 'request-decided', word: 'approved', request });
      if (isChange) await notifications.notify(account, { kind: 'password-changed' });
      const note = approval.verifiedInPerson ? `${kind} in person` : kind;
      return { response: { state, activeAtMs }, subject: account, note };
    }),
    'admin.requestReject': logged('admin.requestReject', async ({ request, reason }, { context }) => {
      const { account, kind } = accounts.requests.reject({ request, reason, by: context.account });
      await notifications.notify(account, { kind: 'request-decided', word: 'rejected', request });
      return { response: {}, subject: account, note: kind };
    }),
  };
}
