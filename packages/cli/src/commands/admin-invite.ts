import { dayMs, idKey } from '@coffer/core';
import { authorityFingerprint, readCertificate } from '@coffer/journal';
import type { Invite } from '@coffer/protocol';
import { makeInvite } from '@coffer/server';
import type { Accounts } from '@coffer/storage';
import { z } from 'zod';
import { askServer, changeAccounts, storageFolder } from '../admin-place.ts';
import { Duration, parseInput, Size, Text, Username } from '../arguments.ts';
import { openProfile } from '../compose.ts';
import type { Command, CommandContext } from '../context.ts';
import { folderOf } from '../folders.ts';
import { newInvite } from '../new-invite.ts';
import { certificateHosts, serverPin } from '../provision/certificates.ts';
import { Port } from '../provision/credentials.ts';
import { formatTime } from '../time.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    username: Username.optional(),
    role: z.enum(['user', 'admin']).default('user'),
    quota: Size.optional(),
    valid: Duration.default(7 * dayMs),
    host: Text.optional(),
    port: Port,
    certs: Text.optional(),
    storage: Text.optional(),
  }),
};

type Options = z.output<(typeof schemas)['options']>;

interface Made {
  readonly id: Uint8Array;
  readonly expiresAtMs: number;
  /** What the invite says of the server. */
  readonly server: Pick<Invite, 'host' | 'port' | 'pin' | 'authority'>;
}

/** The token is made here: the server gets its hash, and what the invite says of the server is what this machine trusts. */
export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const storage = storageFolder(context, options.storage);
  const { tokenHash, textFor } = newInvite(context.random, options.username);
  const asked = {
    tokenHash,
    username: options.username ?? null,
    role: options.role,
    quotaBytes: options.quota ?? null,
    validMs: options.valid,
  };
  const made =
    storage === undefined ? await makeThere(context, asked) : await makeHere(context, { storage, asked, options });
  const { server, id, expiresAtMs } = made;
  const invite = textFor(server);
  context.output.result({
    json: () => ({ invite, id: idKey(id), username: options.username ?? null, expiresAtMs }),
    text: () =>
      [invite, '', `Good for one account until ${formatTime(expiresAtMs)}: coffer register INVITE`].join('\n'),
  });
  return undefined;
};

type Asked = Omit<Parameters<typeof makeInvite>[1], 'createdBy'>;

async function makeThere(context: CommandContext, asked: Asked): Promise<Made> {
  const { host, port, pin, authority } = openProfile(context).requireRecord();
  const made = await askServer(context, (server) => server.accounts.invite(asked, context.signal));
  return { ...made, server: { host, port, pin, ...(authority && { authority }) } };
}

async function makeHere(
  context: CommandContext,
  { storage, asked, options }: { readonly storage: string; readonly asked: Asked; readonly options: Options },
): Promise<Made> {
  const certs = folderOf(context, { given: options.certs, name: 'certs' });
  const host = options.host ?? (await certificateHosts(certs))[0] ?? 'localhost';
  const pin = await serverPin(certs);
  return await changeAccounts(context, { storage, event: 'admin.inviteCreate' }, async (accounts) => {
    const authority = await authorityOf(accounts);
    const made = await makeInvite({ accounts, clock: context.clock }, { ...asked, createdBy: null });
    return { result: { ...made, server: { host, port: options.port, pin, ...(authority && { authority }) } } };
  });
}

async function authorityOf(accounts: Accounts): Promise<Uint8Array | undefined> {
  const own = await accounts.setting('recoveryCertificate');
  return own && authorityFingerprint(readCertificate(own).authority);
}
