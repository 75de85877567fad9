import type { Account } from '@coffer/client';
import type { Screen } from './app/screen.ts';
import type { Shell } from './app/shell.ts';
import type { UiOptions } from './run-ui.ts';
import { FilesScreen } from './screens/files/files-screen.ts';
import { FileActions } from './services/file-actions.ts';
import { LiveVault } from './services/live-vault.ts';
import type { LocalMachine } from './services/local-machine.ts';
import type { Services } from './services/services.ts';
import { Transfers } from './services/transfers.ts';
import { UndoStack } from './services/undo-stack.ts';

export interface OpenScreens extends Pick<UiOptions, 'clock' | 'profile' | 'jobsFolder' | 'signal'> {
  readonly account: Account;
  readonly shell: Shell;
  readonly local: LocalMachine;
}

/** The screens of an account, live, in the shell. Disposing ends transfers and watching; the account stays the caller's. */
export async function openScreens(options: OpenScreens): Promise<AsyncDisposable> {
  const { account, shell, clock, signal } = options;
  const { info } = account;
  shell.setStatus({ account: `${info.username}@${info.server}` });
  const vault = await account.home(signal);
  await using building = new AsyncDisposableStack();
  const live = building.use(new LiveVault({ account, vault, clock, onProblem: (error) => shell.fail(error) }));
  const transfers = building.use(new Transfers(clock));
  const services: Services = {
    ...options,
    ui: shell,
    vault,
    live,
    transfers,
    undo: new UndoStack(),
    actions: new FileActions({ vault, clock, onChanged: () => live.touch() }),
  };
  const screens: Screen[] = [];
  screens.push(new FilesScreen(services, { screens: () => screens }));
  live.connection.subscribe(() => shell.setStatus({ connection: live.connection.state }));
  shell.setStatus({ connection: live.connection.state });
  shell.open(screens, () => mayQuit(services));
  return building.move();
}

/** Transfers end with the program: that is said before. */
async function mayQuit({ ui, transfers }: Services): Promise<boolean> {
  const { length } = transfers.active;
  if (length === 0) return true;
  return await ui.confirm({
    title: 'Quit',
    lines: [`Transfers that are not done: ${length}. They end; begun again, they go on where they were.`],
    yes: 'quit',
  });
}
