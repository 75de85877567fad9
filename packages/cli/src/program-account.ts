import type { Command as CommanderCommand } from 'commander';
import { collect } from './collect.ts';
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
    .option('--keystore <kind>', keystoreText, 'password')
    .option('--serve <id>', serveText, collect)
    .option('--ca <file>', caText)
    .option('--pin <sha256>', pinText)
    .option('--trust-first-use', firstUseText);
  addRegistration(program, add);
  add(program, {
    usage: 'logout',
    summary: 'revoke this device and delete its keys and state',
    load: () => import('./commands/logout.ts'),
  });
  addFacts(program, add);
  add(program, {
    usage: 'notifications [action] [id]',
    summary: 'what happened to the account: list (default), read ID|all',
    load: () => import('./commands/notifications.ts'),
  });
  add(program, {
    usage: 'device [action] [name]',
    summary: 'the devices of the account: list (default), revoke NAME (or its id)',
    load: () => import('./commands/device.ts'),
  }).addHelpText('after', deviceHelp);
}

/** What there is to know of the account, this device and the server. */
function addFacts(program: CommanderCommand, add: AddCommand): void {
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
    usage: 'doctor',
    summary: 'check this device: program, keys, space, clock, and the way to the server',
    load: () => import('./commands/doctor.ts'),
  });
  add(program, {
    usage: 'completion <shell>',
    summary: 'print what completes these commands in a shell: bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  });
  add(program, {
    usage: 'usage',
    summary: 'show what is stored and what the quota leaves',
    load: () => import('./commands/usage.ts'),
  });
}

const keystoreText = 'where keys are kept: password, keyring, or file for an unattended machine';
const serveText =
  'with --keystore file: a share, by its id in `coffer shares`, that this machine may use; repeat for more';
const caText = 'trust the server whose certificate this CA issued, then pin its key';
const pinText = 'trust only the server with this public key (hex)';
const firstUseText = 'trust the key that the server shows now, then pin it';
const generateText = 'make a six-word passphrase and show it once';

function addRegistration(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'register <target>',
    summary: 'make an account for yourself: with an INVITE, or at HOST[:PORT] where the server is open',
    load: () => import('./commands/register.ts'),
  })
    .option('--username <name>', 'how you will be known; needed unless the invite names it')
    .option('--password-stdin', 'read the password from standard input')
    .option('--generate', generateText)
    .option('--no-recovery', 'seal nothing to the recovery key, now or later: without the password all is lost')
    .option('--device-name <name>', 'what this machine is called (default its host name)')
    .option('--keystore <kind>', keystoreText, 'password')
    .option('--ca <file>', caText)
    .option('--pin <sha256>', pinText)
    .option('--trust-first-use', firstUseText);
  const username = program.command('username').description('your name on the server');
  add(username, {
    usage: 'change <name>',
    summary: 'take another username; the old one is free',
    load: () => import('./commands/username-change.ts'),
  });
  addPasswordCommands(program.command('password').description('your password'), add);
}

function addPasswordCommands(password: CommanderCommand, add: AddCommand): void {
  add(password, {
    usage: 'change',
    summary: 'take a new password behind the current one; where the server says so, an administrator approves it first',
    load: () => import('./commands/password-change.ts'),
  })
    .option('--password-stdin', 'read the new password from standard input (or COFFER_NEW_PASSWORD_FILE)')
    .option('--generate', generateText);
  add(password, {
    usage: 'reset-request <target>',
    summary: 'the password is lost: ask the administrator for a new one, and show words to read to them',
    load: () => import('./commands/password-reset-request.ts'),
  })
    .option('--again', 'also when a request of this machine waits: the administrator does not find it')
    .option('--ca <file>', caText)
    .option('--pin <sha256>', pinText)
    .option('--trust-first-use', firstUseText);
  add(password, {
    usage: 'reset',
    summary: 'see how far the request of this machine is, and choose the new password once it is approved',
    load: () => import('./commands/password-reset.ts'),
  })
    .option('--password-stdin', 'read the new password from standard input (or COFFER_NEW_PASSWORD_FILE)')
    .option('--generate', generateText)
    .option('--device-name <name>', 'what this machine is called (default its host name)')
    .option('--keystore <kind>', keystoreText, 'password');
  add(password, {
    usage: 'requests',
    summary: 'show what was asked about your password, and what became of it',
    load: async () => ({ run: (await import('./commands/password-requests.ts')).list }),
  });
  add(password, {
    usage: 'cancel',
    summary: 'withdraw what was asked about your password, from whatever device',
    load: async () => ({ run: (await import('./commands/password-requests.ts')).cancel }),
  });
}

const deviceHelp = `
Revoking ends the sessions of the device at once. An unattended device takes the keys of the vaults it served with it:
these get new ones. A full device takes those of the account: it gets a new root key, a new identity and a new secret for
chunks, under the same password, and every vault of the account a new key. Change the password first when it may be known.
Interrupted, the same command goes on where it was.`;
