import { logout, openAccount } from '@coffer/client';
import type { Profile } from '@coffer/client';
import type { CommandContext } from './context.ts';
import { chooseNewPassword } from './new-password.ts';

/**
 * The first thing after a login with a password that an administrator chose: another one. Without it nobody stays signed in.
 * @throws what ended it: a weak password, Ctrl-C, the server
 */
export async function forcePasswordChange(
  context: CommandContext,
  { profile, password }: { readonly profile: Profile; readonly password: string },
): Promise<void> {
  const unlock = (): Promise<string> => Promise.resolve(password);
  try {
    context.streams.stderr.write('An administrator chose this password and knows it. Choose your own now.\n');
    const request = { passwordStdin: false, generate: false, variable: 'COFFER_NEW_PASSWORD_FILE' } as const;
    const chosen = await chooseNewPassword(context, request);
    await using account = await openAccount({ profile, unlock, signal: context.signal });
    await account.credentials.changePassword({ current: password, next: chosen.password }, context.signal);
  } catch (error) {
    await logout({ profile, unlock });
    throw error;
  }
}
