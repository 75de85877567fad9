import { CofferError } from '@coffer/core';
import type { Account } from '@coffer/client';
import type { Screen } from './app/screen.ts';
import type { Shell } from './app/shell.ts';
import { Store } from './app/store.ts';
import type { UiOptions } from './run-ui.ts';
import { AdminScreen } from './screens/admin/admin-screen.ts';
import { FilesVolumes } from './screens/files/files-volumes.ts';
import { HistoryScreen } from './screens/history/history-screen.ts';
import { JobsScreen } from './screens/jobs/jobs-screen.ts';
import { NotificationsScreen } from './screens/notifications/notifications-screen.ts';
import { SettingsScreen } from './screens/settings/settings-screen.ts';
import { SharingScreen } from './screens/sharing/sharing-screen.ts';
import { TransfersScreen } from './screens/transfers/transfers-screen.ts';
import { transfersSummary } from './screens/transfers/transfers-view.ts';
import { FileActions } from './services/file-actions.ts';
import { Jobs } from './services/jobs.ts';
import { LiveVault } from './services/live-vault.ts';
import type { LocalMachine } from './services/local-machine.ts';
import type { Services } from './services/services.ts';
import { Shares } from './services/shares.ts';
import { SpareDownloader } from './services/spare-downloader.ts';
import { Transfers } from './services/transfers.ts';
import { UndoStack } from './services/undo-stack.ts';

export interface OpenScreensOptions extends Pick<
  UiOptions,
  'clock' | 'profile' | 'administration' | 'examine' | 'newPasswords' | 'jobsFolder' | 'parseTime' | 'signal'
> {
  readonly account: Account;
  readonly shell: Shell;
  readonly local: LocalMachine;
  readonly beginInterlude: Services['beginInterlude'];
}

export interface OpenScreens extends AsyncDisposable {
  readonly services: Services;
}

/** The screens of an account, live, in the shell. Disposing ends transfers, jobs and watching; the account stays the caller's. */
export async function openScreens(options: OpenScreensOptions): Promise<OpenScreens> {
  const { account, shell } = options;
  await using building = new AsyncDisposableStack();
  const services = await openServices(options, building);
  const { live, transfers } = services;
  const history = new HistoryScreen(services);
  const screens: Screen[] = [];
  const files = building.use(new FilesVolumes(services, { screens: () => screens, history }));
  screens.push(
    files,
    new TransfersScreen(services),
    history,
    new SharingScreen(services, (share) => files.openShare(share)),
    new JobsScreen(services),
    building.use(new NotificationsScreen(services)),
    new SettingsScreen(services),
  );
  const { role, scope } = account.info;
  // An unattended device administers nothing, whosever it is.
  if (role === 'admin' && scope === 'full') screens.push(building.use(new AdminScreen(services)));
  const glyphs = shell.theme.glyphs;
  transfers.store.subscribe(() => shell.setStatus({ transfers: transfersSummary(transfers.store.state, glyphs) }));
  live.connection.subscribe(() => shell.setStatus({ connection: live.connection.state }));
  shell.setStatus({ connection: live.connection.state, account: `${account.info.username}@${account.info.server}` });
  shell.open(screens, () => mayQuit(services));
  const owned = building.move();
  return { services, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openServices(options: OpenScreensOptions, owner: AsyncDisposableStack): Promise<Services> {
  const { account, shell, clock, jobsFolder, signal } = options;
  const vault = await account.home(signal);
  const live = owner.use(new LiveVault({ vault, clock, onProblem: (error) => shell.fail(error) }));
  const onChanged = (): void => live.touch();
  return {
    ...options,
    ui: shell,
    covered: shell.covered,
    vault,
    live,
    transfers: owner.use(new Transfers(clock)),
    shares: owner.use(new Shares({ account, onChanged, onProblem: (error) => shell.fail(error) })),
    news: new Store(0),
    jobs: owner.use(new Jobs({ account, vault, clock, jobsFolder, onChanged })),
    spareDownloader: owner.use(new SpareDownloader({ vault, clock })),
    undo: new UndoStack(),
    actions: new FileActions({ vault, clock, onChanged }),
    askPassword: () => askPassword(shell),
    quit: () => shell.quit(),
  };
}

async function askPassword(shell: Shell): Promise<string> {
  const password = await shell.ask({ title: 'Password', isSecret: true });
  if (password === undefined) throw new CofferError('CANCELLED', 'the password was not typed');
  return password;
}

/** Transfers and runs end with the program: that is said before. */
async function mayQuit({ ui, transfers, jobs }: Services): Promise<boolean> {
  const active = transfers.active.length + jobs.store.state.jobs.filter(({ running }) => running !== 'no').length;
  if (active === 0) return true;
  return await ui.confirm({
    title: 'Quit',
    lines: [`Transfers and runs that are not done: ${active}. They end; begun again, they go on where they were.`],
    yes: 'quit',
  });
}
