import { authorityFingerprint } from '@coffer/journal';
import { encodeInvite } from '@coffer/protocol';
import { z } from 'zod';
import { Flag, parseInput, Text, Texts } from '../arguments.ts';
import type { Command } from '../context.ts';
import { folderOf } from '../folders.ts';
import { authorityPassphrase } from '../provision/authority.ts';
import { serverPin } from '../provision/certificates.ts';
import { initServer } from '../provision/init-server.ts';
import { choosePassword, credentialsText, Port } from '../provision/credentials.ts';

const schemas = {
  args: z.tuple([]),
  options: z.strictObject({
    storage: Text.optional(),
    certs: Text.optional(),
    host: Texts.default(['localhost', '127.0.0.1']),
    port: Port,
    admin: Text.default('admin'),
    passwordStdin: Flag,
    generate: Flag,
  }),
};

export const run: Command = async (context, input) => {
  const { options } = parseInput(input, schemas);
  const chosen = await choosePassword(context, options);
  const certs = folderOf(context, { given: options.certs, name: 'certs' });
  const made = await initServer({
    storage: folderOf(context, { given: options.storage, name: 'storage' }),
    certs,
    home: context.globals.home,
    hosts: options.host,
    admin: { username: options.admin, role: 'admin', password: chosen.password },
    passphrase: await authorityPassphrase(context.env),
    clock: context.clock,
    random: context.random,
  });
  const invite = encodeInvite({
    v: 1,
    host: options.host[0] ?? 'localhost',
    port: options.port,
    pin: await serverPin(certs),
    authority: authorityFingerprint(made.authority.authority.publicKey),
    username: options.admin,
  });
  const credentials = { username: options.admin, ...(chosen.generated && { password: chosen.password }), invite };
  context.output.result({ json: () => credentials, text: () => credentialsText(credentials) });
  context.output.note(
    `The authority and recovery keys are in ${made.authorityPath}: copy that file to a safe place, off this machine.`,
  );
  return undefined;
};
