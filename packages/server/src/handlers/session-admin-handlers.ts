import { CofferError, equalBytes } from '@coffer/core';
import type { Handlers, ResponseOf } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';
import { loggedFor } from './logged.ts';
import type { Services } from './services.ts';

type SessionAdminOperation = 'admin.sessionList' | 'admin.sessionEnd';

/** Sessions of one answer: with the longest names they fit a control frame. */
const sessionsTogether = 500;

/** Who is connected; who may ask is decided in `authorize`. */
export function sessionAdminHandlers(services: Services): Pick<Handlers<Connection>, SessionAdminOperation> {
  const { sessions } = services;
  return {
    'admin.sessionList': async ({ skip }) => {
      const all = sessions.all();
      const page = all.slice(skip, skip + sessionsTogether);
      const rows = await Promise.all(page.map((connection) => rowOf(services, connection)));
      return { sessions: rows.flat(), more: skip + page.length < all.length };
    },
    'admin.sessionEnd': loggedFor(services)('admin.sessionEnd', async ({ session }) => {
      const found = sessions.all().find((connection) => equalBytes(connection.session, session));
      if (found === undefined) throw notThere();
      found.end('an administrator ended this session');
      return { response: {}, subject: found.account };
    }),
  };
}

/** None when the account was removed a moment ago. */
async function rowOf(
  { accounts }: Services,
  connection: Connection,
): Promise<ResponseOf<'admin.sessionList'>['sessions']> {
  const { session, account, device, role, address, openedMs, restedMs } = connection;
  const record = await accounts.byId(account);
  if (record === undefined) return [];
  const { username } = record;
  const about = { device: device.device, deviceName: device.name, scope: device.scope };
  return [{ session, account, username, ...about, role, address, sinceMs: openedMs, restedMs: Math.round(restedMs()) }];
}

function notThere(): CofferError {
  return new CofferError('NOT_FOUND', 'there is no such session', {
    hint: 'See `coffer admin sessions`; it may have ended by itself.',
  });
}
