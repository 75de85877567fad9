import { idKey } from '@coffer/core';
import type { ServerShare } from '@coffer/client';
import { z } from 'zod';
import { askServer } from '../admin-place.ts';
import { parseInput, Username } from '../arguments.ts';
import type { Command } from '../context.ts';
import { table } from '../output.ts';

const schemas = { args: z.tuple([Username.optional()]), options: z.strictObject({}) };

interface OwnedShare extends ServerShare {
  readonly owner: string;
}

export const run: Command = async (context, input) => {
  const [username] = parseInput(input, schemas).args;
  const shares = await askServer(context, async (server) => {
    const users = username === undefined ? await server.users(context.signal) : [{ username }];
    const all: OwnedShare[] = [];
    for (const { username: owner } of users)
      for (const share of await server.watch.shares(owner, context.signal)) all.push({ ...share, owner });
    return all;
  });
  context.output.result({
    json: () => shares.map((one) => ({ ...one, vault: idKey(one.vault), member: idKey(one.member) })),
    text: () =>
      shares.length === 0
        ? 'nothing is shared'
        : table([
            ['owner', 'vault', 'kind', 'member', 'role'],
            ...shares.map(({ owner, vault, kind, member, username: name, role }) => [
              owner,
              shortId(vault),
              kind,
              name ??
                (member.byteLength === vault.byteLength ? `team ${shortId(member)}` : `${shortId(member)}, removed`),
              role,
            ]),
          ]),
  });
  return undefined;
};

/** Enough to find it in the audit log. */
function shortId(id: Uint8Array): string {
  return idKey(id).slice(0, 8);
}
