import { CofferError, isCofferError } from '@coffer/core';
import { login, logout, openAccount } from '@coffer/client';
import type { Account, LoginInfo, LoginTarget, Profile, Trust } from '@coffer/client';
import { acceptPin } from './accept-pin.ts';
import type { Shell } from './app/shell.ts';
import { line } from './frame/line.ts';
import { askNewPassword } from './services/new-password.ts';
import { usernameProblem } from './services/username-problem.ts';
import type { NewPasswords } from './services/new-password.ts';
import { askAndRegister } from './sign-up.ts';
import { shown } from './terminal/text.ts';

/** Where an invite or `[USER@]HOST[:PORT]` leads; without a trust the server's key has to be looked at. */
export interface SignInPlace {
  readonly host: string;
  readonly port: number;
  /** Undefined when nobody is named. */
  readonly username: string | undefined;
  readonly trust: Trust | undefined;
  /** Of an invite that lets its holder register. */
  readonly token: Uint8Array | undefined;
}

export interface SignInOptions {
  readonly profile: Profile;
  /** @throws INVALID for what is neither an invite nor an address */
  readonly parsePlace: (text: string) => SignInPlace;
  readonly newPasswords: NewPasswords;
  /** A password that was given in a file: tried before anybody is asked; undefined when there is none. @throws NOT_FOUND */
  readonly passwordInFile: () => Promise<string | undefined>;
  /** What this machine is called unless the person says otherwise. */
  readonly machineName: string;
  readonly signal: AbortSignal;
}

export interface SignedIn {
  readonly account: Account;
  /** The person was here for the first time: nothing is backed up yet. */
  readonly isFirst: boolean;
}

/** The account of the profile, after the questions that it takes; undefined when the person left. */
export async function signIn(options: SignInOptions, shell: Shell): Promise<SignedIn | undefined> {
  const isFirst = options.profile.record === undefined;
  let password: string | undefined;
  if (isFirst) {
    shell.setWelcome(welcome);
    password = await firstSignIn(options, shell);
    if (password === undefined) return undefined;
  }
  const account = await unlock(options, shell, password ?? (await options.passwordInFile()));
  return account === undefined ? undefined : { account, isFirst };
}

const welcome = [
  line(''),
  line('  Welcome to Coffer: a file vault of your own.', 'title'),
  line(''),
  line('  Files are sealed on this device and kept on your server, which cannot read them.'),
  line('  Three steps: where the server is, your password, and the first folder to back up.'),
  line(''),
  line('  Esc goes one step back.', 'dim'),
];

/** Asks until a login or a registration succeeds or the person leaves the first question. @returns the password */
async function firstSignIn(options: SignInOptions, shell: Shell): Promise<string | undefined> {
  let typed = '';
  for (;;) {
    const text = await shell.ask({
      title: '1 of 3: your invite, or USER@HOST[:PORT]',
      initial: typed,
      hint: 'an invite begins with coffer1-; HOST alone makes a new account where the server lets you',
      check: (one) => problemOf(() => options.parsePlace(one.trim())),
    });
    if (text === undefined) return undefined;
    typed = text;
    const password = await enter(options, shell, options.parsePlace(text.trim()));
    if (password !== undefined) return password;
  }
}

/** Undefined: one step back. */
async function enter(options: SignInOptions, shell: Shell, place: SignInPlace): Promise<string | undefined> {
  const { host, port, trust } = place;
  const isNew = await isNewHere(shell, place);
  if (isNew === undefined) return undefined;
  const username = place.username ?? (await askName(shell, place));
  if (username === undefined) return undefined;
  if (isNew) return await askAndRegister(options, shell, { ...place, username });
  const password = await askAndLogIn(options, shell, { target: { host, port, username }, trust });
  if (password === undefined || !password.mustChange) return password?.password;
  return await changeFirst(options, shell, password.password);
}

/** Only who was named without a token surely has an account. */
async function isNewHere(shell: Shell, { username, token }: SignInPlace): Promise<boolean | undefined> {
  if (username !== undefined && token === undefined) return false;
  return await shell.choose({
    title: 'Do you have an account there?',
    choices: [
      { label: 'no: make a new one', value: true },
      { label: 'yes: sign in', value: false },
    ],
  });
}

async function askName(shell: Shell, { host }: SignInPlace): Promise<string | undefined> {
  const name = await shell.ask({
    title: `Your name at ${shown(host)}`,
    hint: 'others find you by it',
    check: usernameProblem,
  });
  return name?.trim();
}

interface LoggedIn {
  readonly password: string;
  /** An administrator chose it, and knows it. */
  readonly mustChange: boolean;
}

/** Undefined: one step back. */
async function askAndLogIn(
  { profile, machineName, passwordInFile, signal }: SignInOptions,
  shell: Shell,
  { target, trust }: { readonly target: LoginTarget; readonly trust: Trust | undefined },
): Promise<LoggedIn | undefined> {
  for (let given = await passwordInFile(); ; given = undefined) {
    const password =
      given ??
      (await shell.ask({
        title: `2 of 3: password of ${shown(target.username)} at ${shown(target.host)}`,
        isSecret: true,
        check: (text) => (text === '' ? 'a password is needed' : undefined),
      }));
    if (password === undefined) return undefined;
    const outcome = await tryLogin(shell, (stop) =>
      login({
        profile,
        target,
        password,
        keystore: 'password',
        trust: trust ?? { kind: 'firstUse', accept: (pin) => acceptPin(shell, pin) },
        deviceName: machineName,
        signal: AbortSignal.any([signal, stop]),
      }),
    );
    if (outcome === 'back') return undefined;
    // Whoever gave a file is not there to choose another.
    if (outcome !== 'again') return { password, mustChange: outcome.mustChange && given === undefined };
  }
}

/** Nobody stays signed in with a password that somebody else knows. @returns the new one; undefined: one step back */
async function changeFirst(
  { profile, newPasswords, signal }: SignInOptions,
  shell: Shell,
  password: string,
): Promise<string | undefined> {
  const known = (): Promise<string> => Promise.resolve(password);
  const title = 'An administrator chose this password and knows it: now one of your own';
  const chosen = await askNewPassword(shell, newPasswords, title);
  const isChanged =
    chosen !== undefined &&
    (await shell.work('changing the password', async (stop) => {
      await using account = await openAccount({ profile, unlock: known, signal });
      await account.credentials.changePassword({ current: password, next: chosen }, AbortSignal.any([signal, stop]));
    }));
  if (isChanged) return chosen;
  await logout({ profile, unlock: known });
  return undefined;
}

type LoginOutcome = LoginInfo | 'again' | 'back';

async function tryLogin(shell: Shell, run: (signal: AbortSignal) => Promise<LoginInfo>): Promise<LoginOutcome> {
  let outcome: LoginOutcome = 'back';
  await shell.work('signing in', async (signal) => {
    try {
      const info = await run(signal);
      outcome = info;
      if (info.createdHome)
        shell.say('this made your vault; if you had files before, stop and ask the administrator', 'warning');
    } catch (error) {
      if (isCofferError(error, 'REFUSED')) outcome = 'again';
      throw error;
    }
  });
  return outcome;
}

/** Asks for the password when the keystore wants one, again when it was wrong. */
export async function unlock(
  { profile, signal }: SignInOptions,
  shell: Shell,
  known: string | undefined,
): Promise<Account | undefined> {
  let first = known;
  for (;;) {
    let isLeft = false;
    const ask = async (): Promise<string> => {
      const password =
        first ?? (await shell.ask({ title: `Password of ${shown(profile.record?.username ?? '')}`, isSecret: true }));
      first = undefined;
      isLeft = password === undefined;
      if (password === undefined) throw new CofferError('CANCELLED', 'nobody signed in');
      return password;
    };
    try {
      return await openAccount({ profile, unlock: ask, signal });
    } catch (error) {
      if (isLeft) return undefined;
      if (!isCofferError(error, 'REFUSED')) throw error;
      shell.fail(error);
    }
  }
}

function problemOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof CofferError ? `${error.message}. ${error.hint ?? ''}` : String(error);
  }
}
