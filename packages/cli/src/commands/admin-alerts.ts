import { CofferError } from '@coffer/core';
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
          one.times > 1 ? `${alertText(one)} (${one.times} times)` : alertText(one),
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

/** Everything in it is the server's word; the table makes it safe. */
function alertText({ kind, username, address, word, figure, account }: ServerAlert): string {
  const from = address === null ? '' : ` from ${address}`;
  const who = username ?? (account === null ? 'nobody that is known' : 'an account that is gone');
  return {
    'failed-logins':
      word === 'by-address'
        ? `failed logins${from}: ${figure ?? '?'}, with several names`
        : `failed logins as ${username ?? 'a name that nobody has'}${from}: ${figure ?? '?'}`,
    denied: `${who} asked for ${word ?? 'what is an administrator’s'}${from} and was denied`,
    'audit-changed': `the audit log ${word ?? ''} was changed while the server was down; see \`coffer admin verify-audit\``,
    'task-failed': `${word ?? 'a scheduled task'} failed; see \`coffer admin status\``,
    damage: `a scrub found ${figure ?? '?'} damaged records; see \`coffer admin status\``,
  }[kind];
}

function usage(): CofferError {
  return new CofferError('INVALID', 'say which alert', { hint: 'coffer admin alerts, or coffer admin alerts ack ID' });
}
