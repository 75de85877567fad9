import type { Handlers } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';
import { accountHandlers } from './account-handlers.ts';
import { adminHandlers } from './admin-handlers.ts';
import { adminRequestHandlers } from './admin-request-handlers.ts';
import { adminUserHandlers } from './admin-user-handlers.ts';
import { alertHandlers } from './alert-handlers.ts';
import { auditHandlers } from './audit-handlers.ts';
import { chunkHandlers } from './chunk-handlers.ts';
import { deviceHandlers } from './device-handlers.ts';
import { directoryHandlers } from './directory-handlers.ts';
import { jobHandlers } from './job-handlers.ts';
import { notificationHandlers } from './notification-handlers.ts';
import { passwordHandlers } from './password-handlers.ts';
import { registerHandlers } from './register-handlers.ts';
import { resetHandlers } from './reset-handlers.ts';
import { retentionHandlers } from './retention-handlers.ts';
import type { Services } from './services.ts';
import { sessionAdminHandlers } from './session-admin-handlers.ts';
import { sessionHandlers } from './session-handlers.ts';
import { shareHandlers } from './share-handlers.ts';
import { vaultHandlers } from './vault-handlers.ts';

/** One handler for every operation of the protocol's table: one that is missing does not compile. */
export function createHandlers(services: Services): Handlers<Connection> {
  return {
    ...sessionHandlers(services),
    ...accountHandlers(services),
    ...vaultHandlers(services),
    ...retentionHandlers(services),
    ...chunkHandlers(services),
    ...jobHandlers(services),
    ...adminHandlers(services),
    ...adminUserHandlers(services),
    ...adminRequestHandlers(services),
    ...registerHandlers(services),
    ...passwordHandlers(services),
    ...resetHandlers(services),
    ...directoryHandlers(services),
    ...shareHandlers(services),
    ...notificationHandlers(services),
    ...deviceHandlers(services),
    ...auditHandlers(services),
    ...sessionAdminHandlers(services),
    ...alertHandlers(services),
  };
}
