import type { AccountId } from '@coffer/core';
import { alertKinds, type Handlers, type ResponseOf } from '@coffer/protocol';
import type { Alert } from '@coffer/storage';
import type { Connection } from '../session/connection.ts';
import { loggedFor } from './logged.ts';
import type { Services } from './services.ts';

type AlertOperation = 'admin.alertList' | 'admin.alertAck';

/** Alerts of one answer: with names they fit a control frame. */
const alertsTogether = 200;

/** What administrators should look at; who may is decided in `authorize`. */
export function alertHandlers(services: Services): Pick<Handlers<Connection>, AlertOperation> {
  const { accounts } = services;
  return {
    'admin.alertList': async ({ before }) => {
      const { alerts, more } = await accounts.alerts.list({ before: before ?? undefined, limit: alertsTogether });
      const rows = await Promise.all(alerts.map((alert) => rowOf(services, alert)));
      return { alerts: rows.flat(), more };
    },
    'admin.alertAck': loggedFor(services)('admin.alertAck', async ({ id }, { context }) => {
      await accounts.alerts.acknowledge(id, context.account);
      return { response: {} };
    }),
  };
}

/** None for a kind that only a newer server knows. */
async function rowOf(services: Services, alert: Alert): Promise<ResponseOf<'admin.alertList'>['alerts']> {
  const kind = alertKinds.find((name) => name === alert.kind);
  if (kind === undefined) return [];
  const [username, acknowledgedBy] = [
    await nameOf(services, alert.account),
    await nameOf(services, alert.acknowledgedBy),
  ];
  return [{ ...alert, kind, username, acknowledgedBy }];
}

async function nameOf({ accounts }: Services, account: AccountId | null): Promise<string | null> {
  return account === null ? null : ((await accounts.byId(account))?.username ?? null);
}
