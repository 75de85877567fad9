import type { Handlers } from '@coffer/protocol';
import { listAlerts } from '../admin/alert-rows.ts';
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
      const { alerts, more } = await listAlerts(accounts, { before: before ?? undefined, limit: alertsTogether });
      return { alerts: [...alerts], more };
    },
    'admin.alertAck': loggedFor(services)('admin.alertAck', async ({ id }, { context }) => {
      await accounts.alerts.acknowledge(id, context.account);
      return { response: {} };
    }),
  };
}
