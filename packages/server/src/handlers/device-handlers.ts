import { CofferError } from '@coffer/core';
import { parseIdentityStatement } from '@coffer/journal';
import { operations, protocolLimits, type Handlers } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';
import type { Services } from './services.ts';

type DeviceOperation = 'device.list' | 'device.rotation' | 'device.rotate';

/** The devices of an account, and its new keys when one was stolen. */
export function deviceHandlers(services: Services): Pick<Handlers<Connection>, DeviceOperation> {
  const { accounts, audit, notifications } = services;
  return {
    'device.list': async (_request, { context }) => {
      if (context.device.scope !== 'full') throw notFull();
      const seen = await accounts.devicesSeen(context.account);
      const newest = seen.toSorted((a, b) => b.lastSeenMs - a.lastSeenMs);
      return { devices: newest.slice(0, protocolLimits.devicesPerMessage) };
    },
    'device.rotation': async () => ({ recovery: (await accounts.setting('recoveryCertificate')) ?? null }),
    'device.rotate': async ({ statement, record: unlockRecord, authEpoch }, { context }) => {
      if (parseIdentityStatement(statement).payload.type !== 'rotate')
        throw new CofferError('INVALID', 'not new keys of an identity');
      const { account, address } = context;
      const { seq } = await accounts.rotateIdentity({ account, statement, unlockRecord, expectedAuthEpoch: authEpoch });
      const { code } = operations['device.rotate'];
      audit.record('account', { event: 'device.rotate', operation: code, status: 'OK', account, address });
      await notifications.notify(account, { kind: 'identity-changed' });
      return { seq };
    },
  };
}

/** Whoever takes an unattended machine need not know what else there is. */
function notFull(): CofferError {
  return new CofferError('NOT_ALLOWED', 'an unattended device knows no others', {
    hint: 'Log in on a machine of your own without --keystore file.',
  });
}
