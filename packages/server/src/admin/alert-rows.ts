import type { AccountId } from '@coffer/core';
import { alertKinds, type ResponseOf } from '@coffer/protocol';
import type { Accounts, Alert } from '@coffer/storage';

/** An alert as administrators see it, with names. */
export type AlertRow = ResponseOf<'admin.alertList'>['alerts'][number];

/** With an id below `before`, the newest first; without kinds that only a newer server knows. */
export async function listAlerts(
  accounts: Pick<Accounts, 'alerts' | 'byId'>,
  page: { readonly before: number | undefined; readonly limit: number },
): Promise<{ readonly alerts: readonly AlertRow[]; readonly more: boolean }> {
  const { alerts, more } = await accounts.alerts.list(page);
  const rows = await Promise.all(alerts.map((alert) => rowOf(accounts, alert)));
  return { alerts: rows.flat(), more };
}

async function rowOf(accounts: Pick<Accounts, 'byId'>, alert: Alert): Promise<readonly AlertRow[]> {
  const kind = alertKinds.find((name) => name === alert.kind);
  if (kind === undefined) return [];
  const nameOf = async (account: AccountId | null): Promise<string | null> =>
    account === null ? null : ((await accounts.byId(account))?.username ?? null);
  const [username, acknowledgedBy] = [await nameOf(alert.account), await nameOf(alert.acknowledgedBy)];
  return [{ ...alert, kind, username, acknowledgedBy }];
}
