import { CofferError, formatSize, idKey } from '@coffer/core';
import { listInvites, revokeInvite } from '@coffer/server';
import type { ShownInvite } from '@coffer/server';
import { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { Hex, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { table } from '../output.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([z.enum(['list', 'revoke']).default('list'), Hex(8).optional()]),
  options: z.strictObject({ storage: Text.optional() }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [action, id] = args;
  const storage = storageFolder(context, options.storage);
  if ((action === 'revoke') !== (id !== undefined)) {
    throw new CofferError('INVALID', '`invites revoke` takes the id of one invite, `invites list` nothing', {
      hint: 'See `coffer admin invites` for the ids.',
    });
  }
  if (id === undefined) return list(context, storage);
  if (storage === undefined) await askServer(context, (server) => server.accounts.revokeInvite(id, context.signal));
  else {
    await changeAccounts(context, { storage, event: 'admin.inviteRevoke' }, async (accounts) => ({
      result: await revokeInvite(accounts, id),
    }));
  }
  context.output.result({ json: () => ({ id: idKey(id) }), text: () => 'nobody can use this invite any more' });
  return undefined;
};

async function list(context: CommandContext, storage: string | undefined): Promise<undefined> {
  const { invites, makers } = storage === undefined ? await listThere(context) : await listHere(context, storage);
  const names = new Map(makers.map(({ account, username }) => [idKey(account), username]));
  const nowMs = context.clock.nowMs();
  const rows = invites.map((invite) => {
    const maker = invite.createdBy === null ? null : idKey(invite.createdBy);
    const createdBy = maker === null ? null : (names.get(maker) ?? maker);
    return { ...invite, id: idKey(invite.id), state: stateOf(invite, nowMs), createdBy };
  });
  context.output.result({
    json: () => rows,
    text: () =>
      table([
        ['id', 'username', 'role', 'quota', 'state', 'until', 'by'],
        ...rows.map(({ id, username, role, quotaBytes, state, expiresAtMs, createdBy }) => [
          id,
          username ?? '-',
          role,
          quotaBytes === null ? '-' : formatSize(quotaBytes),
          state,
          formatTime(expiresAtMs),
          createdBy ?? '-',
        ]),
      ]),
  });
  return undefined;
}

type ShownInvites = Awaited<ReturnType<typeof listInvites>>;

function listThere(context: CommandContext): Promise<ShownInvites> {
  return askServer(context, (server) => server.accounts.invites(context.signal));
}

async function listHere(context: CommandContext, storage: string): Promise<ShownInvites> {
  await using accounts = await Accounts.open(storage, { clock: context.clock });
  return await listInvites(accounts);
}

function stateOf({ usedAtMs, expiresAtMs }: ShownInvite, nowMs: number): 'used' | 'expired' | 'open' {
  if (usedAtMs !== null) return 'used';
  return expiresAtMs <= nowMs ? 'expired' : 'open';
}
