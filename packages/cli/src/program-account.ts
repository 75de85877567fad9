import type { Command as CommanderCommand } from 'commander';
import type { AddCommand } from './program.ts';

/** Commands about the account on this machine (CLI §Account), and the terminal UI. */
export function addAccountCommands(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'ui',
    summary: 'everything in the terminal, live; also plain `coffer` on a terminal',
    load: () => import('./commands/ui.ts'),
  }).option('--screen-reader', 'one pane at a time, without boxes and signs');
  add(program, {
    usage: 'login <target>',
    summary: 'sign in on this machine: an INVITE, or USER@HOST[:PORT]',
    load: () => import('./commands/login.ts'),
  })
    .option('--password-stdin', 'read the password from standard input')
    .option('--device-name <name>', 'what this machine is called (default its host name)')
    .option(
      '--keystore <kind>',
      'where keys are kept: password, keyring, or file for an unattended machine',
      'password',
    )
    .option('--ca <file>', 'trust the server whose certificate this CA issued, then pin its key')
    .option('--pin <sha256>', 'trust only the server with this public key (hex)')
    .option('--trust-first-use', 'trust the key that the server shows now, then pin it');
  add(program, {
    usage: 'logout',
    summary: 'revoke this device and delete its keys and state',
    load: () => import('./commands/logout.ts'),
  });
  add(program, {
    usage: 'whoami',
    summary: 'show account, device and server',
    load: () => import('./commands/whoami.ts'),
  });
  add(program, {
    usage: 'status',
    summary: 'show whether the server is reached and what is new',
    load: () => import('./commands/status.ts'),
  });
  add(program, {
    usage: 'usage',
    summary: 'show what is stored and what the quota leaves',
    load: () => import('./commands/usage.ts'),
  });
  add(program, {
    usage: 'notifications [action] [id]',
    summary: 'what happened to the account: list (default), read ID|all',
    load: () => import('./commands/notifications.ts'),
  });
}
