import type { Account, Finding, Profile, Vault } from '@coffer/client';
import type { Clock } from '@coffer/core';
import type { Store } from '../app/store.ts';
import type { Ui } from '../app/ui.ts';
import type { AdministrationTools } from './administration.ts';
import type { FileActions } from './file-actions.ts';
import type { Interlude } from './interlude.ts';
import type { Jobs } from './jobs.ts';
import type { LiveVault } from './live-vault.ts';
import type { LocalMachine } from './local-machine.ts';
import type { SpareDownloader } from './spare-downloader.ts';
import type { NewPasswords } from './new-password.ts';
import type { Shares } from './shares.ts';
import type { Transfers } from './transfers.ts';
import type { UndoStack } from './undo-stack.ts';

/** What the screens of an open account share. */
export interface Services {
  readonly ui: Ui;
  readonly clock: Clock;
  readonly profile: Profile;
  readonly account: Account;
  readonly vault: Vault;
  readonly live: LiveVault;
  readonly actions: FileActions;
  readonly undo: UndoStack;
  readonly transfers: Transfers;
  readonly local: LocalMachine;
  /** For looking into files. */
  readonly spareDownloader: SpareDownloader;
  readonly jobs: Jobs;
  readonly shares: Shares;
  /** Whether the screens are hidden, because nobody is there. */
  readonly covered: Store<boolean>;
  /** Counts notifications as they come, once somebody is there: what they are about may be another. */
  readonly news: Store<number>;
  /** Milliseconds since 1970 of a time as people write it. @throws INVALID */
  readonly parseTime: (text: string) => number;
  readonly newPasswords: NewPasswords;
  /** Closes the account, works, and opens it again. */
  readonly beginInterlude: (interlude: Interlude) => void;
  /** What an administrator's screens take from the program. */
  readonly administration: AdministrationTools;
  /** What there is to say about this device and the way to the server. */
  readonly examine: (signal: AbortSignal) => AsyncIterable<Finding>;
  /** Asks for the password of the keystore. @throws CANCELLED */
  readonly askPassword: () => Promise<string>;
  /** Ends the program. */
  readonly quit: () => void;
  /** Folder of the states of sync jobs. */
  readonly jobsFolder: string;
}
