import { CofferError, idKey } from '@coffer/core';
import type { RequestDetails, ShownRequest } from '@coffer/server';
import { z } from 'zod';
import { storageFolder } from '../admin-place.ts';
import { Flag, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { confirm } from '../prompt.ts';
import { askAuthorityPassphrase } from '../provision/authority.ts';
import { openReset } from '../open-reset.ts';
import { findRequest } from '../find-request.ts';
import { withRequestDesk } from '../request-desk.ts';
import type { RequestDesk } from '../request-desk.ts';
import { safeText } from '../safe-text.ts';
import { formatTime } from '../time.ts';
import { wordRows } from '@coffer/client';

const schemas = {
  args: z.tuple([
    z.enum(['list', 'approve', 'reject']).default('list'),
    z
      .string()
      .regex(/^[0-9a-f]{6,32}$/i, 'the id of a request, or its first six digits')
      .optional(),
  ]),
  options: z.strictObject({
    reason: z.string().max(500).default(''),
    verifiedInPerson: Flag,
    storage: Text.optional(),
  }),
};

type Options = z.output<(typeof schemas)['options']>;

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [action, id] = args;
  if ((action === 'list') !== (id === undefined)) {
    throw new CofferError('INVALID', 'approve and reject take the id of one request, list nothing', {
      hint: 'See `coffer admin requests` for the ids.',
    });
  }
  return await withRequestDesk(context, storageFolder(context, options.storage), async (desk) => {
    if (id === undefined) return list(context, desk);
    const { request } = await findRequest(desk, id);
    const details = await desk.show(request);
    return action === 'approve'
      ? approve(context, { desk, details, options })
      : reject(context, { desk, details, options });
  });
};

interface Deciding {
  readonly desk: RequestDesk;
  readonly details: RequestDetails;
  readonly options: Options;
}

async function list({ output }: CommandContext, desk: RequestDesk): Promise<undefined> {
  const requests = await desk.list();
  output.result({
    json: () => requests.map((one) => ({ ...one, request: idKey(one.request), account: idKey(one.account) })),
    text: () =>
      requests.length === 0
        ? 'nothing was asked'
        : table([['id', 'asked', 'by', 'what', 'state', ''], ...requests.map((one) => row(one))]),
  });
  return undefined;
}

function row({ request, createdAtMs, username, kind, state, activeAtMs, reason }: ShownRequest): string[] {
  const more = state === 'approved' && activeAtMs !== null ? `takes effect ${formatTime(activeAtMs)}` : reason;
  return [idKey(request), formatTime(createdAtMs), username, kind, state, more];
}

async function reject(context: CommandContext, { desk, details, options }: Deciding): Promise<undefined> {
  const { request, username } = details;
  await desk.reject({ request, reason: options.reason });
  context.output.result({
    json: () => ({ request: idKey(request), state: 'rejected' }),
    text: () => safeText(`rejected; nothing changes for ${username}`),
  });
  return undefined;
}

async function approve(context: CommandContext, deciding: Deciding): Promise<undefined> {
  const { desk, details, options } = deciding;
  const { request, kind, username } = details;
  const opened = kind === 'password-reset' && details.state === 'open' ? await openedFor(context, deciding) : undefined;
  const sealed = opened?.sealed ?? null;
  const { activeAtMs } = await desk.approve({ request, sealed, verifiedInPerson: options.verifiedInPerson });
  const isReset = kind === 'password-reset';
  context.output.result({
    json: () => ({
      request: idKey(request),
      state: isReset ? 'approved' : 'done',
      activeAtMs,
      ...(opened && { words: opened.words }),
    }),
    text: () => safeText(isReset ? resetText(username, activeAtMs) : `the new password of ${username} is in force`),
  });
  return undefined;
}

function resetText(username: string, activeAtMs: number | null): string {
  const when = activeAtMs === null ? '' : ` from ${formatTime(activeAtMs)} on`;
  return `${username} can choose a new password${when}, with \`coffer password reset\` on the same device`;
}

/** The root key for the new device, once a person has said that it is the right one. */
async function openedFor(
  context: CommandContext,
  { desk, details }: Deciding,
): Promise<{ readonly sealed: Uint8Array; readonly words: readonly string[] }> {
  const { globals, random, output } = context;
  const opening = { home: globals.home, random, passphrase: () => askAuthorityPassphrase(context) };
  const { words, certifiedName, warning, seal } = await openReset(opening, { server: desk.server, details });
  // Whom the keys belong to is the authority's to say, not the server's.
  const name = safeText(certifiedName ?? details.username);
  if (warning !== undefined) output.warn(safeText(warning));
  output.note(`Call ${name}, whom you know, by voice. The new device shows these words:\n`);
  for (const line of wordRows(words)) output.note(line);
  if (!(await confirm(context, `\nDid ${name} read the same words to you?`))) {
    throw new CofferError('NOT_ALLOWED', 'nothing was approved', {
      hint: 'Compare the words by voice; run it on a terminal, or with --yes once you have.',
    });
  }
  return { words, sealed: seal() };
}
