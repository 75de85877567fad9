import type { Command as CommanderCommand } from 'commander';
import { collect } from './collect.ts';
import type { AddCommand } from './program.ts';
import { addInviteCommands, addUserCommands, storageOption } from './program-users.ts';
import { addWatchCommands } from './program-watch.ts';

/** `serve` and `admin …` (CLI §Server and administration). */
export function addServerCommands(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'serve',
    summary: 'run the server',
    load: () => import('./commands/serve.ts'),
  })
    .option('--config <file>', 'settings (default coffer.yaml when there is one)')
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 for any free one (default 7443)')
    .option('--storage <folder>', 'where sealed data lies (default server-storage)')
    .option('--certs <folder>', 'where server.pem and server.key lie (default certs)')
    .option('--logs <folder>', 'where log files go (default logs)');

  const admin = program.command('admin').description('set up and look after a server');
  addSetup(admin, add);
  addCare(admin, add);
  addRepair(admin, add);
  addUserCommands(admin, add);
  addWatchCommands(admin, add);
  addInviteCommands(admin, add);
}

function addSetup(admin: CommanderCommand, add: AddCommand): void {
  add(admin, {
    usage: 'init',
    summary: 'make certificates, keys and the first administrator of a new server',
    load: () => import('./commands/admin-init.ts'),
  })
    .option('--storage <folder>', 'where sealed data will lie (default server-storage)')
    .option('--certs <folder>', 'where certificates go (default certs)')
    .option(
      '--host <name>',
      'name or address that clients dial; repeat for more (default localhost, 127.0.0.1)',
      collect,
    )
    .option('--port <number>', 'port that the invite names (default 7443)')
    .option('--admin <name>', 'username of the first administrator (default admin)')
    .option('--password-stdin', 'read that administrator’s password from standard input')
    .option('--generate', 'make a six-word passphrase and show it once');
  add(admin, {
    usage: 'certificates',
    summary: 'make or renew the server certificate (= scripts/generate-certificates)',
    load: () => import('./commands/admin-certificates.ts'),
  })
    .option('--certs <folder>', 'where certificates lie (default certs)')
    .option(
      '--host <name>',
      'name or address for the certificate; repeat for more; none keeps the present ones',
      collect,
    )
    .option('--renew', 'issue a new one even when the present one is good');
}

function addCare(admin: CommanderCommand, add: AddCommand): void {
  add(admin, {
    usage: 'status',
    summary: 'show room, schedules, the last scrub, backups and accounts',
    load: () => import('./commands/admin-status.ts'),
  }).option('--storage <folder>', storageOption);
  add(admin, {
    usage: 'collect',
    summary: 'let old versions expire and give their room back, now',
    load: () => import('./commands/admin-collect.ts'),
  })
    .option('--accept-clock', 'the time of the server is right: go on after a jump of more than a day')
    .option('--storage <folder>', storageOption);
  add(admin, {
    usage: 'scrub',
    summary: 'read everything that is stored and compare it, slowly; exit 9 when something is damaged',
    load: () => import('./commands/admin-scrub.ts'),
  }).option('--storage <folder>', storageOption);
  add(admin, {
    usage: 'recount',
    summary: 'count what every account stores, and correct what was recorded wrongly',
    load: () => import('./commands/admin-recount.ts'),
  }).option('--storage <folder>', storageOption);
}

function addRepair(admin: CommanderCommand, add: AddCommand): void {
  add(admin, {
    usage: 'check',
    summary: 'compare index, packs and journals; safe beside a running server',
    load: () => import('./commands/admin-check.ts'),
  })
    .option('--storage <folder>', 'the storage folder (default server-storage)')
    .option('--read-data', 'read every record and check its checksum');
  add(admin, {
    usage: 'rebuild-index',
    summary: 'make index.db again from the packs; the server must be stopped',
    load: () => import('./commands/admin-rebuild-index.ts'),
  }).option('--storage <folder>', 'the storage folder (default server-storage)');
  add(admin, {
    usage: 'backup',
    summary: 'copy accounts.db into backups/ and check the copy; safe beside a running server',
    load: () => import('./commands/admin-backup.ts'),
  }).option('--storage <folder>', storageOption);
  add(admin, {
    usage: 'restore',
    summary: 'make a server again from users/ and a backup, with the authority key; the server must be stopped',
    load: () => import('./commands/admin-restore.ts'),
  })
    .option('--storage <folder>', 'folder that holds users/ and backups/ (default server-storage)')
    .option('--backup <file>', 'this backup (default: the newest of the folder backups that is whole)')
    .option('--reason <text>', 'what people are told')
    .option('--generation <number>', 'number of the new generation at least, when the storage may have forgotten some');
}
