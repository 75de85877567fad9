import { CofferError } from '@coffer/core';
import { alertText, countedAlertText } from '@coffer/client';
import type { ServerAlert } from '@coffer/client';
import { z } from 'zod';
import { askServer } from '../admin-place.ts';
import { Count, parseInput } from '../arguments.ts';
import type { Command } from '../context.ts';
import { isoTime } from '../entry-view.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['list', 'ack']).default('list'), Count.optional()]),
  options: z.strictObject({}),
};

export const run: Command = async (context, input) => {
  const [action, id] = parseInput(input, schemas).args;
  if ((action === 'ack') !== (id !== undefined)) throw usage();
  if (id !== undefined) {
    await askServer(context, (server) => server.watch.acknowledge(id, context.signal));
    context.output.result({ json: () => ({ acknowledged: id }), text: () => 'acknowledged' });
    return undefined;
  }
  const alerts = await askServer(context, (server) => server.watch.alerts(context.signal));
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

function alertJson(alert: ServerAlert) {
  const { id, atMs, kind, times, username, address, acknowledgedMs, acknowledgedBy } = alert;
  const acknowledged = acknowledgedMs === null ? null : { at: isoTime(acknowledgedMs), by: acknowledgedBy };
  return { id, at: isoTime(atMs), kind, text: alertText(alert), times, username, address, acknowledged };
}

function usage(): CofferError {
  return new CofferError('INVALID', 'say which alert', { hint: 'coffer admin alerts, or coffer admin alerts ack ID' });
}
