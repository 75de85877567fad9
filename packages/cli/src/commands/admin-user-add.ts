import { authorityFingerprint } from '@coffer/journal';
import { encodeInvite } from '@coffer/protocol';
import { readIdentity } from '@coffer/storage';
import { z } from 'zod';
import { changeAccounts } from '../admin-place.ts';
import { Flag, Limit, parseInput, Text } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { folderOf } from '../folders.ts';
import { addAccount } from '../provision/add-account.ts';
import { askAuthorityPassphrase, openAuthority } from '../provision/authority.ts';
import { certificateHosts, serverPin } from '../provision/certificates.ts';
import { choosePassword, credentialsText, Port } from '../provision/credentials.ts';
import { serverConfig } from '../server-config.ts';

const schemas = {
  args: z.tuple([Text]),
  options: z.strictObject({
    role: z.enum(['user', 'admin']).default('user'),
    quota: Limit.optional(),
    contact: z.string().max(200).optional(),
    folder: Text.optional(),
    passwordStdin: Flag,
    generate: Flag,
    host: Text.optional(),
    port: Port,
    storage: Text.optional(),
    certs: Text.optional(),
  }),
};

export const run: Command = async (context, input) => {
  const { args, options } = parseInput(input, schemas);
  const [username] = args;
  const storage = folderOf(context, { given: options.storage, name: 'storage' });
  const certs = folderOf(context, { given: options.certs, name: 'certs' });
  const { serverId: server } = await readIdentity(storage);
  const authority = await openAuthority({ home: context.globals.home, server }, () => askAuthorityPassphrase(context));
  const host = options.host ?? (await certificateHosts(certs))[0] ?? 'localhost';
  const pin = await serverPin(certs);
  const chosen = await choosePassword(context, options);
  const quotaBytes = options.quota === undefined ? await defaultQuota(context) : options.quota;
  await changeAccounts(context, { storage, event: 'admin.userAdd' }, async (accounts) => {
    const subject = await addAccount(
      { accounts, storage, server, authority, clock: context.clock, random: context.random },
      {
        username,
        role: options.role,
        password: chosen.password,
        mustChange: true,
        quotaBytes,
        ...(options.contact !== undefined && { contact: options.contact }),
        ...(options.folder !== undefined && { folder: options.folder }),
      },
    );
    return { result: undefined, subject };
  });
  const invite = encodeInvite({
    v: 1,
    host,
    port: options.port,
    pin,
    username,
    ...(authority && { authority: authorityFingerprint(authority.authority.publicKey) }),
  });
  const credentials = { username, ...(chosen.generated && { password: chosen.password }), invite };
  context.output.result({ json: () => credentials, text: () => credentialsText(credentials) });
  if (authority === undefined) {
    context.output.warn('the authority key is not on this machine: the account is uncertified and has no recovery');
  }
  return undefined;
};

/** As the daemon's configuration has it. @throws CONFIG */
async function defaultQuota(context: CommandContext): Promise<number | null> {
  return (await serverConfig(context, { file: undefined, flags: {} })).quota.default;
}
