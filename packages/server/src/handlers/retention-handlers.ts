import { CofferError, idKey } from '@coffer/core';
import { operations, type Handlers } from '@coffer/protocol';
import type { HoldStatus } from '@coffer/storage';
import { statusOf, type AuditEvent } from '../log/audit.ts';
import { LoginThrottle } from '../login/login-throttle.ts';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

type RetentionOperation = 'vault.retention' | 'version.list' | 'account.hold';

/** Changes of a hold by one device: each is a record that no quota counts, a kilobyte with its reason. */
const holdsPerHour = 60;

/** What is kept and for how long, as far as people ask; policies and purges themselves come in commits. */
export function retentionHandlers(services: Services): Pick<Handlers<Connection>, RetentionOperation> {
  const { storage, clock } = services;
  const changes = new LoginThrottle({ clock }, { attemptsPerHour: holdsPerHour });
  return {
    'vault.retention': async ({ vault, policy }, { signal }) => {
      const status = await storage.retentionOf(vault, { policy: policy ?? undefined, signal });
      return { ...status, hold: holdMessage(status.hold) };
    },
    'version.list': async ({ vault, entry, after }) => {
      const { kept, expired, more } = await storage.versionsOf(vault, entry, after);
      return { kept: [...kept], expired: [...expired], more };
    },
    'account.hold': async ({ on, reason }, { context }) => {
      if (changes.begin(idKey(context.device.device)) !== 0)
        throw new CofferError('BUSY', 'this device has changed the hold too often; try again in some minutes');
      return hold(services, context, { on, reason });
    },
  };
}

async function hold(
  { storage, audit }: Services,
  { account, device, address }: Connection,
  { on, reason }: { readonly on: boolean; readonly reason: string },
): Promise<HoldStatus> {
  const record = (status: AuditEvent['status']): void => {
    const { code: operation } = operations['account.hold'];
    const note = on ? 'on' : 'off';
    audit.record('account', {
      event: 'account.hold',
      operation,
      status,
      account,
      device: device.device,
      address,
      note,
    });
  };
  try {
    // A worker is unattended; what it does must not decide about the account.
    if (device.scope === 'worker') throw new CofferError('NOT_ALLOWED', 'a worker does not hold or release versions');
    const status = await storage.setHold(account, { on, by: 'account', reason });
    record('OK');
    return holdMessage(status);
  } catch (error) {
    record(statusOf(error));
    throw error;
  }
}

function holdMessage({ on, sinceMs, reason, endsAtMs }: HoldStatus): HoldStatus {
  return { on, sinceMs, reason, endsAtMs };
}
