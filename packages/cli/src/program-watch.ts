import type { Command as CommanderCommand } from 'commander';
import { collect } from './collect.ts';
import type { AddCommand } from './program.ts';
import { storageOption } from './program-users.ts';

/** `admin logs`, `verify-audit`, `activity`, `shares`, `sessions`, `alerts` (CLI §Server and administration). */
export function addWatchCommands(admin: CommanderCommand, add: AddCommand): void {
  add(admin, {
    usage: 'logs',
    summary: 'show the audit log, all categories by time',
    load: () => import('./commands/admin-logs.ts'),
  })
    .option('--category <name>', 'only this category; repeat for more', collect)
    .option('--account <name>', 'only what this account did, or was done to it')
    .option('--since <time>', 'from then on: 2h, 3d, yesterday, 2026-11-20T18:00 (default 24h)')
    .option('--follow', 'go on with what comes')
    .option('--storage <folder>', storageOption)
    .option('--logs <folder>', 'with --storage: where log files lie (default logs)');
  add(admin, {
    usage: 'verify-audit',
    summary:
      'read the whole audit log and name the first line that was altered or is missing; exit 9 when there is one',
    load: () => import('./commands/admin-verify-audit.ts'),
  })
    .option('--accept', 'remember on this device how the log ends now, although it saw another end')
    .option('--storage <folder>', storageOption)
    .option('--logs <folder>', 'with --storage: where log files lie (default logs)');
  add(admin, {
    usage: 'activity <name>',
    summary: 'what an account did, day by day, from the audit log',
    load: () => import('./commands/admin-activity.ts'),
  })
    .option('--since <time>', 'from then on: 2h, 3d, yesterday, 2026-11-20T18:00 (default 30d)')
    .option('--storage <folder>', storageOption)
    .option('--logs <folder>', 'with --storage: where log files lie (default logs)');
  add(admin, {
    usage: 'shares [name]',
    summary: 'who may read or write in whose vaults, all or those of one account',
    load: () => import('./commands/admin-shares.ts'),
  });
  add(admin, {
    usage: 'sessions [action] [id]',
    summary: 'who is connected to the running server: list (default), end ID',
    load: () => import('./commands/admin-sessions.ts'),
  });
  add(admin, {
    usage: 'alerts [action] [id]',
    summary: 'what an administrator should look at: list (default), ack ID',
    load: () => import('./commands/admin-alerts.ts'),
  }).option('--storage <folder>', storageOption);
}
