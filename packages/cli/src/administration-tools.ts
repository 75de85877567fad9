import type { Profile } from '@coffer/client';
import type { AdministrationTools } from '@coffer/tui';
import type { CommandContext } from './context.ts';
import { newInvite } from './new-invite.ts';

/** What is made on this machine for an administrator's screens: tokens of invites, and what the recovery key opens. */
export function administrationTools({ globals, env, random }: CommandContext, profile: Profile): AdministrationTools {
  return {
    newInvite: (username) => {
      const { tokenHash, textFor } = newInvite(random, username);
      return { text: textFor(profile.requireRecord()), tokenHash };
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
