import { join } from 'node:path';
import { CofferError, minuteMs } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { Shell } from './app/shell.ts';
import { openScreens } from './open-screens.ts';
import { addJob } from './services/add-job.ts';
import type { AdministrationTools } from './services/administration.ts';
import { lockWhenIdle } from './services/idle-lock.ts';
import { LocalMachine } from './services/local-machine.ts';
import { signIn } from './sign-in.ts';
import type { SignInOptions } from './sign-in.ts';
import { createTheme, themeOptions } from './terminal/theme.ts';

/** Everything that the terminal UI takes from the program that starts it. */
export interface UiOptions extends SignInOptions {
  /** Folder of the states of sync jobs. */
  readonly jobsFolder: string;
  /** The person's folder on this machine. */
  readonly homeFolder: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly streams: { readonly stdin: NodeJS.ReadStream; readonly stdout: NodeJS.WriteStream };
  /** Milliseconds since 1970 of a time as people write it. @throws INVALID */
  readonly parseTime: (text: string) => number;
  /** Stops the process as ^z does, and resolves when it goes on. */
  readonly stop: () => Promise<void>;
  readonly administration: AdministrationTools;
  /** Panes one at a time, no boxes, nothing that moves by itself. */
  readonly isForScreenReader: boolean;
  /** Covers the screens after so long without a key; 15 minutes when left out. */
  readonly lockAfterMs?: number;
}

const usualLockMs = 15 * minuteMs;

/**
 * Runs the terminal UI until the person quits or the signal is aborted; the terminal is then as it was before.
 * @throws CONFIG when there is no terminal; what signing in and opening the account throw
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
    shell.quit();
    await shownShell[Symbol.asyncDispose]();
    await life;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function live(options: UiOptions, shell: Shell): Promise<void> {
  const signedIn = await signIn(options, shell);
  if (signedIn === undefined) return;
  await using account = signedIn.account;
  const { profile, homeFolder, clock, lockAfterMs = usualLockMs } = options;
  const local = new LocalMachine({ ...options, home: homeFolder, editFolder: join(profile.path, 'edit') });
  await using screens = await openScreens({ ...options, account, shell, local });
  if (signedIn.isFirst) void firstFolder(screens.services, shell).catch((error: unknown) => shell.fail(error));
  const locking = new AbortController();
  const lock = lockWhenIdle({ shell, profile, clock, lockAfterMs }, locking.signal).catch((error: unknown) =>
    shell.fail(error),
  );
  await shell.ended;
  locking.abort();
  await lock;
}

/** The last step of the first run. */
async function firstFolder(services: Parameters<typeof addJob>[0], shell: Shell): Promise<void> {
  const wants = await shell.confirm({
    title: '3 of 3: the first folder to back up',
    lines: ['Which folder of this machine shall the vault keep?', 'It can be done later: 5 shows jobs, a adds one.'],
    yes: 'choose a folder',
  });
  if (!wants) return;
  await addJob(services);
  shell.show('jobs');
}

function noTerminal(): CofferError {
  return new CofferError('CONFIG', 'the terminal UI needs a terminal for input and output', {
    hint: 'Use the commands instead: coffer --help.',
  });
}
