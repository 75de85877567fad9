import { register } from '@coffer/client';
import type { LoginTarget } from '@coffer/client';
import type { Shell } from './app/shell.ts';
import { askNewPassword } from './services/new-password.ts';
import { acceptPin } from './accept-pin.ts';
import type { SignInOptions, SignInPlace } from './sign-in.ts';
import { shown } from './terminal/text.ts';

/** Makes an account and signs in to it. @returns its password; undefined: one step back */
export async function askAndRegister(
  options: SignInOptions,
  shell: Shell,
  place: SignInPlace & { readonly username: string },
): Promise<string | undefined> {
  const { username } = place;
  const title = `2 of 3: a password for ${shown(username)}; without it nobody can read your files`;
  const password = await askNewPassword(shell, options.newPasswords, title);
  if (password === undefined) return undefined;
  const escrow = await shell.choose({ title: 'When the password is lost', choices: escrowChoices });
  if (escrow === undefined) return undefined;
  const target = { host: place.host, port: place.port, username };
  return (await tryRegister(options, shell, { place, target, password, escrow })) ? password : undefined;
}

const escrowChoices = [
  {
    label: 'the administrator can help',
    detail: 'with a recovery key that is not on the server; you compare words by voice',
    value: true,
  },
  { label: 'nobody can', detail: 'then your files are lost with it', value: false },
];

interface Registering {
  readonly place: SignInPlace;
  readonly target: LoginTarget;
  readonly password: string;
  readonly escrow: boolean;
}

async function tryRegister(
  { profile, machineName, signal }: SignInOptions,
  shell: Shell,
  { place, target, password, escrow }: Registering,
): Promise<boolean> {
  let hasEscrow = false;
  const isDone = await shell.work('making your account', async (stop) => {
    const info = await register({
      profile,
      target,
      password,
      keystore: 'password',
      trust: place.trust ?? { kind: 'firstUse', accept: (pin) => acceptPin(shell, pin) },
      token: place.token,
      escrow,
      deviceName: machineName,
      signal: AbortSignal.any([signal, stop]),
    });
    hasEscrow = info.escrow;
  });
  if (isDone && !hasEscrow)
    await shell.read({
      title: 'There is no recovery key for this account',
      lines: ['Without its password its files are lost: keep it where you find it again.'],
    });
  return isDone;
}
