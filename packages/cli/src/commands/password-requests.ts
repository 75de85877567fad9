import type { OwnRequest } from '@coffer/client';
import { idKey } from '@coffer/core';
import { z } from 'zod';
import { parseInput } from '../arguments.ts';
import { signedInAccount } from '../compose.ts';
import type { Command } from '../context.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = { args: z.tuple([]), options: z.strictObject({}) };

export const list: Command = async (context, input) => {
  parseInput(input, schemas);
  await using account = await signedInAccount(context);
  const requests = await account.credentials.requests(context.signal);
  context.output.result({
    json: () => requests.map((one) => ({ ...one, request: idKey(one.request) })),
    text: () =>
      requests.length === 0
        ? 'nothing was asked'
        : table([['asked', 'what', 'state', ''], ...requests.map((one) => row(one))]),
  });
  return undefined;
};

/** From any full device: whoever asks to reset a password must not succeed unseen. */
export const cancel: Command = async (context, input) => {
  parseInput(input, schemas);
  await using account = await signedInAccount(context);
  const cancelled = await account.credentials.cancelRequests(context.signal);
  context.output.result({
    json: () => ({ cancelled }),
    text: () => (cancelled === 0 ? 'nothing was waiting' : `withdrawn: ${cancelled}`),
  });
  return undefined;
};

function row({ createdAtMs, kind, state, activeAtMs, reason }: OwnRequest): string[] {
  const when = state === 'approved' && activeAtMs !== null ? `takes effect ${formatTime(activeAtMs)}` : reason;
  return [formatTime(createdAtMs), kind, state, when];
}
