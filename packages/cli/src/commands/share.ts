import { z } from 'zod';
import { Flag, parseInput, Text } from '../arguments.ts';
import { openHome, requireFullDevice } from '../compose.ts';
import type { Command } from '../context.ts';
import type { Person } from '@coffer/client';
import { safeText } from '../safe-text.ts';
import { requireEntry } from '../vault-paths.ts';
import { CofferError } from '@coffer/core';

const schemas = { args: z.tuple([Text, Text]), options: z.strictObject({ write: Flag }) };

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  await using session = await openHome(context);
  requireFullDevice(session.account);
  const { sharing, info } = session.account;
  await sharing.finishPending(context.signal);
  const { home, path } = await session.at(args[0], { follow: false });
  await session.workOff();
  if (home.vault !== session.vault) throw insideShare(args[0]);
  const entry = requireEntry(home.vault.tree, path, args[0]);
  const person = await sharing.find(args[1], context.signal);
  const role = options.write ? 'write' : 'read';
  await sharing.share({ entry, person, role }, context.signal);
  context.output.result({
    json: () => ({ path: args[0], member: person.username, role }),
    text: () => sharedText({ person, role, owner: info.username }),
  });
  return undefined;
};

interface Shared {
  readonly person: Person;
  readonly role: 'read' | 'write';
  readonly owner: string;
}

function sharedText({ person: { username, voucher }, role, owner }: Shared): string {
  const may = role === 'write' ? 'may change it' : 'may read it';
  if (voucher === undefined) return `shared with ${safeText(username)}, who ${may} and finds it under /Shared/${owner}`;
  const managed = voucher === owner ? 'which you manage' : `which ${safeText(voucher)} manages`;
  return `shared with ${safeText(username)}, ${managed}: its members ${may} and find it under /Shared/${owner}`;
}

function insideShare(path: string): CofferError {
  return new CofferError('INVALID', `${path} lies in what is shared already`, {
    hint: 'Only what lies in your own vault is shared: copy it there first, or share the whole with one person more.',
  });
}
