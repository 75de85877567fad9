import { CofferError, timestampFromMs } from '@coffer/core';
import { makeCertificate } from '@coffer/journal';
import { z } from 'zod';
import { parseInput, Username } from '../arguments.ts';
import { signedInAccount } from '../compose.ts';
import type { Command } from '../context.ts';
import { askAuthorityPassphrase, openAuthority } from '../provision/authority.ts';
import { safeText } from '../safe-text.ts';

const schemas = { args: z.tuple([Username]), options: z.strictObject({}) };

/** The server says which keys a name has, and may lie: what is signed are keys that this device has compared, or that were certified before. */
export const run: Command = async (context, input) => {
  const { args } = parseInput(input, schemas);
  await using account = await signedInAccount(context);
  const { serverId: server } = account.info;
  const keys = await openAuthority({ home: context.globals.home, server }, () => askAuthorityPassphrase(context));
  if (keys === undefined) {
    throw new CofferError('NOT_FOUND', 'the authority key of this server is not on this machine', {
      hint: 'Run it where `coffer admin init` was run, or copy the folder authority into the folder given with --home.',
    });
  }
  const person = await account.people.find(args[0], context.signal);
  if (person.trust !== 'verified' && person.trust !== 'certified') {
    throw new CofferError('NOT_ALLOWED', 'the keys of this person were not compared on this device', {
      hint: `Run \`coffer verify-person ${safeText(person.username)}\` first, while the person does the same.`,
    });
  }
  const { username, fingerprint } = person;
  const { authority } = keys;
  const at = timestampFromMs(context.clock.nowMs());
  const about = { server, at, account: person.account, fingerprint, username };
  const certificate = makeCertificate(
    { v: 1, type: 'identity', authority: authority.publicKey, ...about },
    authority.sign,
  );
  await account.server.accounts.certify({ username, certificate }, context.signal);
  context.output.result({
    json: () => ({ username, certified: true }),
    text: () => safeText(`the authority vouches for ${username}`),
  });
  return undefined;
};
