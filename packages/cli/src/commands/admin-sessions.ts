import { CofferError, idKey } from '@coffer/core';
import { z } from 'zod';
import { askServer } from '../admin-place.ts';
import { parseInput } from '../arguments.ts';
import type { Command } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatDuration, formatTime } from '../time.ts';

const SessionId = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'not the id of a session')
  .transform((hex) => Uint8Array.fromHex(hex));
const schemas = {
  args: z.tuple([z.enum(['list', 'end']).default('list'), SessionId.optional()]),
  options: z.strictObject({}),
};

export const run: Command = async (context, input) => {
  const [action, session] = parseInput(input, schemas).args;
  if ((action === 'end') !== (session !== undefined)) throw usage();
  if (session !== undefined) {
    await askServer(context, (server) => server.watch.endSession(session, context.signal));
    context.output.result({ json: () => ({ ended: idKey(session) }), text: () => 'ended; its device may come back' });
    return undefined;
  }
  const sessions = await askServer(context, (server) => server.watch.sessions(context.signal));
  context.output.result({
    json: () =>
      sessions.map((one) => ({
        id: idKey(one.session),
        username: one.username,
        device: one.deviceName,
        scope: one.scope,
        kind: one.role,
        address: one.address,
        since: isoTime(one.sinceMs),
        restedMs: one.restedMs,
      })),
    text: () =>
      table([
        ['id', 'username', 'device', 'kind', 'address', 'since', 'idle'],
        ...sessions.map((one) => [
          idKey(one.session),
          one.username,
          one.scope === 'worker' ? `${one.deviceName} (unattended)` : one.deviceName,
          one.role,
          one.address,
          formatTime(one.sinceMs),
          formatDuration(one.restedMs),
        ]),
      ]),
  });
  return undefined;
};

function usage(): CofferError {
  return new CofferError('INVALID', 'say which session to end', {
    hint: 'coffer admin sessions, or coffer admin sessions end ID',
  });
}
