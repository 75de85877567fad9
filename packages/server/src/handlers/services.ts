import type { AccountId, Clock, DeviceId, Logger, Random } from '@coffer/core';
import { activeDevice } from '@coffer/journal';
import type { Accounts, Storage } from '@coffer/storage';
import type { WatchHub } from '../events/watch-hub.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Audit } from '../log/audit.ts';
import type { AuditTrail } from '../log/audit-log.ts';
import type { LoginGuard } from '../login/login-guard.ts';
import type { OpaqueServer } from '../login/opaque-server.ts';
import type { ChangeDigest } from '../notifications/change-digest.ts';
import type { Notifications } from '../notifications/notifications.ts';
import type { QuotaNotices } from '../notifications/quota-notices.ts';
import type { Identities } from '../rights/identities.ts';
import type { VaultRoles } from '../rights/vault-roles.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import type { Sessions } from '../session/sessions.ts';

/** What the handlers work with; owned by the daemon. */
export interface Services {
  readonly storage: Storage;
  /** Its folder. */
  readonly storagePath: string;
  /** What the daemon does by itself. */
  readonly scheduler: Scheduler;
  readonly accounts: Accounts;
  readonly identities: Identities;
  readonly roles: VaultRoles;
  readonly opaque: OpaqueServer;
  readonly guard: LoginGuard;
  readonly sessions: Sessions;
  readonly hub: WatchHub;
  readonly notifications: Notifications;
  readonly alerts: Alerts;
  readonly quotaNotices: QuotaNotices;
  readonly changeDigest: ChangeDigest;
  readonly audit: Audit;
  /** The same, when it lies in files. */
  readonly trail: AuditTrail | undefined;
  /** Folder of these files. */
  readonly auditFolder: string;
  /** The daemon drains: what waits answers. */
  readonly stopping: AbortSignal;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** Settings that a reload may change. */
  readonly settings: () => ServiceSettings;
}

interface ServiceSettings {
  readonly registration: 'open' | 'invite' | 'closed';
  readonly dataFrameBytes: number;
  readonly changePolicy: 'approval' | 'direct';
  /** Of accounts that nobody set one for; null: no limit. */
  readonly defaultQuotaBytes: number | null;
}

/** Whether the account is active and, when one is named, its device certified and not revoked, and the password what it was. */
export async function isLive(
  services: Pick<Services, 'accounts' | 'identities'>,
  account: AccountId,
  device?: DeviceId,
  authEpoch?: number,
): Promise<boolean> {
  const record = await services.accounts.byId(account);
  if (record?.state !== 'active') return false;
  if (authEpoch !== undefined && record.authEpoch !== authEpoch) return false;
  if (device === undefined) return true;
  const identity = services.identities.current(account);
  return identity !== undefined && activeDevice(identity, device) !== undefined;
}

/** Whether the account was removed: what it owned is served to nobody any more. */
export async function isGone(
  { accounts }: { readonly accounts: Pick<Accounts, 'byId'> },
  account: AccountId,
): Promise<boolean> {
  const record = await accounts.byId(account);
  return record !== undefined && record.removedAtMs !== null;
}
