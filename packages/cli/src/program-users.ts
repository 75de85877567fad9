import type { Command as CommanderCommand } from 'commander';
import type { AddCommand } from './program.ts';

/** Where a command works that can do so from afar as well. */
export const storageOption =
  'work on this folder of this machine (default: on the server, as the signed-in administrator)';

/** `admin user …` (CLI §Server and administration). */
export function addUserCommands(admin: CommanderCommand, add: AddCommand): void {
  const user = admin.command('user').description('accounts of this server');
  add(user, {
    usage: 'add <name>',
    summary: 'make an account and print its invite',
    load: () => import('./commands/admin-user-add.ts'),
  })
    .option('--role <role>', 'user or admin', 'user')
    .option('--quota <size>', 'most that the account may store, like 10GiB, or none (default: quota.default)')
    .option('--contact <text>', 'how to reach the person')
    .option(
      '--folder <local>',
      'what `coffer sync` takes on the machine of the person when they name none, like ~/Documents',
    )
    .option('--password-stdin', 'read the password from standard input')
    .option('--generate', 'make a six-word passphrase and show it once')
    .option('--host <name>', 'name or address that the invite names (default: the first of the certificate)')
    .option('--port <number>', 'port that the invite names (default 7443)')
    .option('--storage <folder>', 'the storage folder (default server-storage)')
    .option('--certs <folder>', 'where certificates lie (default certs)');
  add(user, {
    usage: 'list',
    summary: 'list accounts',
    load: () => import('./commands/admin-user-list.ts'),
  }).option('--storage <folder>', storageOption);
  add(user, {
    usage: 'quota <name> <size>',
    summary: 'set how much an account may store, like 10GiB, or none for no limit; effective at once',
    load: () => import('./commands/admin-user-quota.ts'),
  })
    .option('--largest-file <size>', 'most that one file may take, or none')
    .option('--storage <folder>', storageOption);
  addUserStates(user, add);
}

function addUserStates(user: CommanderCommand, add: AddCommand): void {
  add(user, {
    usage: 'show <name>',
    summary: 'show an account, its keys and devices',
    load: () => import('./commands/admin-user-show.ts'),
  }).option('--storage <folder>', storageOption);
  add(user, {
    usage: 'suspend <name>',
    summary: 'end all sessions of an account and let nobody sign in to it; nothing is lost',
    load: async () => ({ run: (await import('./commands/admin-user-state.ts')).suspend }),
  }).option('--storage <folder>', storageOption);
  add(user, {
    usage: 'resume <name>',
    summary: 'let a suspended account sign in again',
    load: async () => ({ run: (await import('./commands/admin-user-state.ts')).resume }),
  }).option('--storage <folder>', storageOption);
  add(user, {
    usage: 'remove <name>',
    summary: 'remove an account for good; says first what goes with it, and asks (--yes agrees)',
    load: () => import('./commands/admin-user-remove.ts'),
  }).option('--storage <folder>', storageOption);
  add(user, {
    usage: 'role <name> <role>',
    summary: 'make an account an administrator (admin), or no more (user)',
    load: () => import('./commands/admin-user-role.ts'),
  }).option('--storage <folder>', storageOption);
  add(user, {
    usage: 'certify <name>',
    summary: 'sign name and keys of a person with the authority key, once their words were compared (verify-person)',
    load: () => import('./commands/admin-user-certify.ts'),
  });
}

/** `admin invite` and `admin invites …`: how people come to register by themselves. */
export function addInviteCommands(admin: CommanderCommand, add: AddCommand): void {
  add(admin, {
    usage: 'invite',
    summary: 'print an invite with which one person can register, once',
    load: () => import('./commands/admin-invite.ts'),
  })
    .option('--username <name>', 'the only name that it is good for (default: the person chooses)')
    .option('--role <role>', 'user or admin', 'user')
    .option('--quota <size>', 'most that the account may store, like 10GiB')
    .option('--valid <time>', 'how long it can be used, like 7d (default) or 12h')
    .option('--host <name>', 'with --storage: name or address that the invite names (default: of the certificate)')
    .option('--port <number>', 'with --storage: port that the invite names (default 7443)')
    .option('--certs <folder>', 'with --storage: where certificates lie (default certs)')
    .option('--storage <folder>', storageOption);
  add(admin, {
    usage: 'invites [action] [id]',
    summary: 'list invites (list), or withdraw one that was not used (revoke ID)',
    load: () => import('./commands/admin-invites.ts'),
  }).option('--storage <folder>', storageOption);
  add(admin, {
    usage: 'requests [action] [id]',
    summary: 'list what people ask for (list), or decide: approve ID, reject ID',
    load: () => import('./commands/admin-requests.ts'),
  })
    .option('--reason <text>', 'with reject: what the person is told')
    .option('--verified-in-person', 'with approve of a reset: you saw the person; no day of delay')
    .option('--storage <folder>', storageOption);
}
