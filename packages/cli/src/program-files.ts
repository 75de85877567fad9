import type { Command as CommanderCommand } from 'commander';
import { collect } from './collect.ts';
import type { AddCommand } from './program.ts';

/** Commands about files in the vault, and `sync` (CLI §Files, §Sync). */
export function addFileCommands(program: CommanderCommand, add: AddCommand): void {
  addReading(program, add);
  addChanging(program, add);
  addHistory(program, add);
  add(program, {
    usage: 'sync [local] [path]',
    summary: 'bring a vault folder in step with a local one, or the other way round, or both',
    load: () => import('./commands/sync.ts'),
  })
    .option(
      '--mode <mode>',
      'push: the vault becomes the folder; pull: the folder becomes the vault; two-way: both get what is new',
      'push',
    )
    .option('--delete', 'push and pull: also remove what the other side no longer has')
    .option('--dry-run', 'show what would be done, change nothing')
    .option('--exclude <glob>', 'leave out what matches (gitignore syntax); repeat for more', collect)
    .option('--max-file-size <size>', 'leave out larger files')
    .option('--max-delete <limit>', 'stop when more would be removed: a number or a share like 25%')
    .option(
      '--force',
      'pass the guards: --max-delete, a folder or path that is another one; with --watch in the first run only',
    )
    .option('--watch', 'go on: bring over what changes on either side, until it is stopped')
    .option('--bwlimit <rate>', 'bytes per second: 500KiB, or UP:DOWN like 500KiB:4MiB; off is no limit')
    .addHelpText('after', watchHelp);
  addConflicts(program, add);
}

function addConflicts(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'conflicts [action] [path]',
    summary: 'what two devices changed at once: list (default), resolve PATH --keep SIDE',
    load: () => import('./commands/conflicts.ts'),
  }).option('--keep <side>', 'mine: what this device had; theirs: what came first; both: leave the files as they are');
}

function addReading(program: CommanderCommand, add: AddCommand): void {
  add(program, { usage: 'ls [path]', summary: 'list a folder', load: () => import('./commands/ls.ts') })
    .option('-l, --long', 'kind, mode, size, time and version too')
    .option('-R, --recursive', 'everything below')
    .option('--at <time>', 'as it was then')
    .option('--deleted', 'what was removed, when, and until when it is kept');
  add(program, {
    usage: 'get <path...>',
    summary: 'copy from the vault: PATH... LOCAL',
    load: () => import('./commands/get.ts'),
  })
    .option('--at <time>', 'as it was then')
    .option('--version <number>', 'that version of a file');
  add(program, {
    usage: 'cat <path>',
    summary: 'write a file to standard output',
    load: () => import('./commands/cat.ts'),
  });
  add(program, {
    usage: 'preview <path>',
    summary: 'show what a file holds, safely',
    load: () => import('./commands/preview.ts'),
  });
  add(program, { usage: 'find <query>', summary: 'find by name', load: () => import('./commands/find.ts') }).option(
    '--content-type <type>',
    'only files of this kind: image, video, audio, text, document, archive',
  );
  add(program, { usage: 'du [path]', summary: 'sum up sizes', load: () => import('./commands/du.ts') });
  add(program, {
    usage: 'verify [path]',
    summary: 'download and check everything without writing it',
    load: () => import('./commands/verify.ts'),
  }).option('--sample <percent>', 'check only this share of the chunks');
}

function addChanging(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'put <local...>',
    summary: 'copy into the vault: LOCAL... PATH; - is standard input',
    load: () => import('./commands/put.ts'),
  });
  add(program, { usage: 'mkdir <path>', summary: 'make a folder', load: () => import('./commands/mkdir.ts') }).option(
    '-p, --parents',
    'make missing folders above it; no error when it is there',
  );
  add(program, { usage: 'mv <source> <target>', summary: 'move or rename', load: () => import('./commands/mv.ts') });
  add(program, {
    usage: 'cp <source> <target>',
    summary: 'copy within the vault',
    load: () => import('./commands/cp.ts'),
  });
  add(program, {
    usage: 'rm <path...>',
    summary: 'remove; versions are kept',
    load: () => import('./commands/rm.ts'),
  }).option('-r, --recursive', 'folders too, with all below');
}

function addHistory(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'versions <path>',
    summary: 'list the versions of a file, there or removed, and until when each is kept',
    load: () => import('./commands/versions.ts'),
  });
  add(program, {
    usage: 'restore <path>',
    summary: 'bring back what was removed, an old version, or a folder as it was',
    load: () => import('./commands/restore.ts'),
  })
    .option('--version <number>', 'that version of a file becomes the current one, as a new version')
    .option('--at <time>', 'the file or folder as it was then')
    .option('--to <local>', 'write it there and leave the vault alone; what is there and differs is kept beside it')
    .addHelpText('after', restoreHelp);
  addKeeping(program, add);
}

function addKeeping(program: CommanderCommand, add: AddCommand): void {
  const policy = program.command('policy').description('how long versions and removed entries are kept');
  add(policy, {
    usage: 'show [path]',
    summary: 'what is in force, and what is still to come',
    load: async () => ({ run: (await import('./commands/policy.ts')).show }),
  });
  add(policy, {
    usage: 'set [path]',
    summary: 'longer counts at once; shorter takes effect in 7 days, and setting the old figures again cancels it',
    load: async () => ({ run: (await import('./commands/policy.ts')).set }),
  })
    .option('--versions <number>', 'keep the newest of each file, the current one counted')
    .option('--days <number>', 'keep all others so long after they stopped being current')
    .option('--trash-days <number>', 'keep removed entries so long');
  add(program, {
    usage: 'hold <on|off>',
    summary: 'keep every version, whatever policy and purges say; off takes effect in 7 days',
    load: () => import('./commands/hold.ts'),
  }).option('--reason <text>', 'why, for whoever looks later');
  add(program, {
    usage: 'purge <path>',
    summary: 'destroy old versions of a file for good, in 7 days',
    load: () => import('./commands/purge.ts'),
  })
    .option('--version <numbers...>', 'these versions')
    .option('--cancel', 'what waits to be destroyed is kept after all');
}

const watchHelp = `
With --watch a file is brought over when it has rested for 2 seconds, a removal after 10, what another device did at
once; every hour everything is looked through. Ctrl-C or SIGTERM stop it, which ends with exit code 0: what is in
flight is dropped, and the next run goes on from there. SIGHUP looks through everything, SIGUSR1 pauses, SIGUSR2
resumes. --force holds for the first run only, which looks at everything. What is shared below the folder is watched
too. When a share, or the right to write in it, is taken away, the watch ends with exit code 6 and leaves all files. With --json one document a line: {"at","event",…} where event is state,
run (the report), trouble or over.`;

const restoreHelp = `
Without --version and --at a removed file or folder comes back to the path where it was.

With --at a folder becomes what it was, path by path: changed files get their old content as a new version, removed
ones come back, what was renamed within the folder moves back, and of what was moved out of it a copy is made. What
came later stays: nothing is removed or overwritten, and every version of before is still there.

In what is shared the past begins with the sharing, the same for all its members; whoever may write there restores. What
was there before has only its owner: lay it down with --at and --to.`;
