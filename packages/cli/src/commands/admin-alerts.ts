import { CofferError } from '@coffer/core';
import { alertText, countedAlertText } from '@coffer/client';
import type { ServerAlert } from '@coffer/client';
import { listAlerts } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { Count, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['list', 'ack']).default('list'), Count.optional()]),
  options: z.strictObject({ storage: Text.optional() }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [action, id] = args;
  const storage = storageFolder(context, options.storage);
  if ((action === 'ack') !== (id !== undefined)) throw usage();
  if (id !== undefined) {
    if (storage === undefined) await askServer(context, (server) => server.watch.acknowledge(id, context.signal));
    else {
      await changeAccounts(context, { storage, event: 'admin.alertAck' }, async (accounts) => ({
        result: await accounts.alerts.acknowledge(id, null),
      }));
    }
    context.output.result({ json: () => ({ acknowledged: id }), text: () => 'acknowledged' });
    return undefined;
  }
  const alerts =
    storage === undefined
      ? await askServer(context, (server) => server.watch.alerts(context.signal))
      : await alertsHere(context, storage);
  context.output.result({
    json: () => alerts.map(alertJson),
    text: () =>
      table(
        alerts.map((one) => [
          String(one.id),
          formatTime(one.atMs),
          one.acknowledgedMs === null ? '*' : ' ',
          countedAlertText(one),
        ]),
      ),
  });
  return undefined;
};

/** A server keeps a thousand. */
const allOfThem = { before: undefined, limit: 1000 } as const;

async function alertsHere(context: CommandContext, storage: string): Promise<readonly ServerAlert[]> {
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  return (await listAlerts(accounts, allOfThem)).alerts;
}

function alertJson(alert: ServerAlert) {
  const { id, atMs, kind, times, username, address, acknowledgedMs, acknowledgedBy } = alert;
  const acknowledged = acknowledgedMs === null ? null : { at: isoTime(acknowledgedMs), by: acknowledgedBy };
  return { id, at: isoTime(atMs), kind, text: alertText(alert), times, username, address, acknowledged };
}

function usage(): CofferError {
  return new CofferError('INVALID', 'say which alert', { hint: 'coffer admin alerts, or coffer admin alerts ack ID' });
}
