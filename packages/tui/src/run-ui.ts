import { join } from 'node:path';
import { CofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { Shell } from './app/shell.ts';
import { openScreens } from './open-screens.ts';
import { addJob } from './services/add-job.ts';
import type { AdministrationTools } from './services/administration.ts';
import type { Services } from './services/services.ts';
import { lockWhenIdle } from './services/idle-lock.ts';
import { LocalMachine } from './services/local-machine.ts';
import type { Interlude } from './services/interlude.ts';
import { signIn, unlock } from './sign-in.ts';
import type { SignedIn, SignInOptions } from './sign-in.ts';
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
  /** What there is to say about this device and the way to the server. */
  readonly examine: Services['examine'];
  /** Panes one at a time, no boxes, nothing that moves by itself. */
  readonly isForScreenReader: boolean;
  /** Covers the screens after so long without a key. */
  readonly lockAfterMs: number;
}

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
  let opened: Opened | undefined = signedIn && { ...signedIn, onOpen: () => undefined };
  while (opened !== undefined) {
    const interlude: Interlude | undefined = await liveWith(options, shell, opened);
    opened = interlude && (await between(options, shell, interlude));
  }
}

interface Opened extends SignedIn {
  /** Called once the screens are there. */
  readonly onOpen: () => void;
}

/** The screens of an account, until the person quits; what is to be done before they come back, otherwise. */
async function liveWith(
  options: UiOptions,
  shell: Shell,
  { account: opened, isFirst, onOpen }: Opened,
): Promise<Interlude | undefined> {
  await using account = opened;
  const { profile, homeFolder, clock, lockAfterMs } = options;
  const local = new LocalMachine({ ...options, home: homeFolder, editFolder: join(profile.path, 'edit') });
  const begun = Promise.withResolvers<Interlude>();
  const beginInterlude = (interlude: Interlude): void => begun.resolve(interlude);
  await using screens = await openScreens({ ...options, account, shell, local, beginInterlude });
  onOpen();
  if (isFirst) void firstFolder(screens.services, shell).catch((error: unknown) => shell.fail(error));
  const locking = new AbortController();
  const lock = lockWhenIdle({ shell, profile, clock, lockAfterMs }, locking.signal).catch((error: unknown) =>
    shell.fail(error),
  );
  const interlude = await Promise.race([begun.promise, shell.ended.then(() => undefined)]);
  if (interlude !== undefined) shell.close();
  locking.abort();
  await lock;
  return interlude;
}

/** @returns the account, opened again; undefined when the person left */
async function between(options: UiOptions, shell: Shell, interlude: Interlude): Promise<Opened | undefined> {
  const isDone = await shell.work(interlude.label, interlude.run);
  const account = await unlock(options, shell, interlude.password);
  return account && { account, isFirst: false, onOpen: isDone ? interlude.after : () => undefined };
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
