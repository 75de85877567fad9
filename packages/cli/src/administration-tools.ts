import { sha256 } from '@coffer/core';
import { encodeInvite } from '@coffer/protocol';
import type { Profile } from '@coffer/client';
import type { AdministrationTools } from '@coffer/tui';
import type { CommandContext } from './context.ts';

/** What is made on this machine for an administrator's screens: tokens of invites, and what the recovery key opens. */
export function administrationTools({ globals, env, random }: CommandContext, profile: Profile): AdministrationTools {
  return {
    newInvite: (username) => {
      const { host, port, pin, authority } = profile.requireRecord();
      const token = random.bytes(24);
      const server = { host, port, pin, ...(authority && { authority }) };
      const text = encodeInvite({ v: 1, ...server, token, ...(username !== undefined && { username }) });
      return { text, tokenHash: sha256(token) };
    },
    openReset: async (details, askPassphrase) => {
      // Few ever open one, and everybody waits for what is loaded at the start.
      const { openReset } = await import('./open-reset.ts');
      const { authorityPassphrase } = await import('./provision/authority.ts');
      const passphrase = async () => (await authorityPassphrase(env)) ?? (await askPassphrase());
      const { server } = profile.requireRecord();
      return await openReset({ home: globals.home, random, passphrase }, { server, details });
    },
  };
}
