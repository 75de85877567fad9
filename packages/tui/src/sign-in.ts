import { CofferError, isCofferError, toHex } from '@coffer/core';
import { login, openAccount } from '@coffer/client';
import type { Account, LoginTarget, Profile, Trust } from '@coffer/client';
import type { Shell } from './app/shell.ts';
import { line } from './frame/line.ts';
import { shown } from './terminal/text.ts';

/** Where an invite or `USER@HOST[:PORT]` leads; without a trust the server's key has to be looked at. */
export interface SignInTarget {
  readonly target: LoginTarget;
  readonly trust: Trust | undefined;
}

export interface SignInOptions {
  readonly profile: Profile;
  /** @throws INVALID for what is neither an invite nor an address */
  readonly parseTarget: (text: string) => SignInTarget;
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

/** Asks until a login succeeds or the person leaves the first question. @returns the password */
async function firstSignIn(options: SignInOptions, shell: Shell): Promise<string | undefined> {
  let typed = '';
  for (;;) {
    const text = await shell.ask({
      title: '1 of 3: your invite, or USER@HOST[:PORT]',
      initial: typed,
      hint: 'an invite begins with coffer1-',
      check: (one) => problemOf(() => options.parseTarget(one.trim())),
    });
    if (text === undefined) return undefined;
    typed = text;
    const password = await askAndLogIn(options, shell, options.parseTarget(text.trim()));
    if (password !== undefined) return password;
  }
}

/** Undefined: one step back. */
async function askAndLogIn(
  { profile, machineName, passwordInFile, signal }: SignInOptions,
  shell: Shell,
  { target, trust }: SignInTarget,
): Promise<string | undefined> {
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
    if (outcome === 'done') return password;
    if (outcome === 'back') return undefined;
  }
}

type LoginOutcome = 'done' | 'again' | 'back';

async function tryLogin(
  shell: Shell,
  run: (signal: AbortSignal) => Promise<{ readonly createdHome: boolean }>,
): Promise<LoginOutcome> {
  let outcome: LoginOutcome = 'back';
  await shell.work('signing in', async (signal) => {
    try {
      const { createdHome } = await run(signal);
      outcome = 'done';
      if (createdHome)
        shell.say('this made your vault; if you had files before, stop and ask the administrator', 'warning');
    } catch (error) {
      if (isCofferError(error, 'REFUSED')) outcome = 'again';
      throw error;
    }
  });
  return outcome;
}

async function acceptPin(shell: Shell, pin: Uint8Array): Promise<boolean> {
  return await shell.confirm({
    title: "The server's key",
    lines: [
      'This device sees the server for the first time. Its public key (SHA-256):',
      '',
      `  ${
        toHex(pin)
          .match(/.{1,8}/g)
          ?.join(' ') ?? ''
      }`,
      '',
      'Is this what the administrator told you? Another key means that somebody is in between.',
    ],
    yes: 'it is the same: trust it',
  });
}

/** Asks for the password when the keystore wants one, again when it was wrong. */
async function unlock(
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
