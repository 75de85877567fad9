import { join } from 'node:path';
import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { openAccount } from '@coffer/client';
import type { Account, Profile } from '@coffer/client';
import { Shell } from './app/shell.ts';
import { openScreens } from './open-screens.ts';
import { LocalMachine } from './services/local-machine.ts';
import { createTheme, themeOptions } from './terminal/theme.ts';

/** Everything that the terminal UI takes from the program that starts it. */
export interface UiOptions {
  readonly profile: Profile;
  /** Folder of the states of sync jobs. */
  readonly jobsFolder: string;
  /** The person's folder on this machine. */
  readonly homeFolder: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly streams: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream };
  /** Stops the process as ^z does, and resolves when it goes on. */
  readonly stop: () => Promise<void>;
  /** Panes one at a time, no boxes, nothing that moves by itself. */
  readonly isForScreenReader: boolean;
  readonly signal: AbortSignal;
}

/**
 * Runs the terminal UI until the person quits or the signal is aborted; the terminal is then as it was before.
 * @throws CONFIG when there is no terminal; NOT_LOGGED_IN; what opening the account throws
 */
export async function runUi(options: UiOptions): Promise<void> {
  const { streams, env, clock, signal, isForScreenReader } = options;
  if (!streams.stdin.isTTY || !streams.stdout.isTTY) throw noTerminal();
  const shell = new Shell({
    clock,
    theme: createTheme(themeOptions(env)),
    isBare: isForScreenReader,
    stop: options.stop,
  });
  const { showShell } = await import('./components/show-shell.tsx');
  await using shownShell = showShell(shell, streams);
  const onAbort = (): void => shell.quit();
  signal.addEventListener('abort', onAbort, { once: true });
  const life = live(options, shell);
  life.catch(() => undefined);
  try {
    await Promise.race([life, shell.ended, shownShell.ended]);
    await shownShell[Symbol.asyncDispose]();
    await life;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function live(options: UiOptions, shell: Shell): Promise<void> {
  await using account = await signIn(options, shell);
  if (account === undefined) return;
  const local = new LocalMachine({
    ...options,
    home: options.homeFolder,
    editFolder: join(options.profile.path, 'edit'),
  });
  await using _screens = await openScreens({ ...options, account, shell, local });
  await shell.ended;
}

async function signIn({ profile, signal }: UiOptions, shell: Shell): Promise<Account | undefined> {
  return await openAccount({
    profile,
    unlock: async () => {
      const password = await shell.ask({ title: 'Password', isSecret: true });
      if (password === undefined) throw new CofferError('CANCELLED', 'nobody signed in');
      return password;
    },
    signal,
  });
}

function noTerminal(): CofferError {
  return new CofferError('CONFIG', 'the terminal UI needs a terminal for input and output', {
    hint: 'Use the commands instead: coffer --help.',
  });
}
