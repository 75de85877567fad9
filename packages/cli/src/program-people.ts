import type { Command as CommanderCommand } from 'commander';
import type { AddCommand } from './program.ts';

/** Commands about other people, and what is shared with them (CLI §Account, §Sharing). */
export function addPeopleCommands(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'verify-person <name>',
    summary: 'compare twelve words with a person, so that nothing is shared with somebody else',
    load: () => import('./commands/verify-person.ts'),
  });
  addSharing(program, add);
  addTeams(program.command('team').description('teams: people who get what is shared with the team'), add);
}

function addSharing(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'share <path> <name>',
    summary: 'share a file or folder with a person, or with a team as team:NAME; they find it under /Shared/YOU',
    load: () => import('./commands/share.ts'),
  }).option('--write', 'they may change it too');
  add(program, {
    usage: 'unshare <path> [name]',
    summary: 'take a share away from a person or team:NAME, or leave one that somebody shares with you',
    load: () => import('./commands/unshare.ts'),
  });
  add(program, {
    usage: 'shares',
    summary: 'list what you share with whom, and what is shared with you',
    load: () => import('./commands/shares.ts'),
  });
}

function addTeams(team: CommanderCommand, add: AddCommand): void {
  add(team, {
    usage: 'create <name>',
    summary: 'make a team that you manage',
    load: async () => ({ run: (await import('./commands/team.ts')).create }),
  });
  add(team, {
    usage: 'list',
    summary: 'list the teams that you are in',
    load: async () => ({ run: (await import('./commands/team.ts')).list }),
  });
  add(team, {
    usage: 'show <name>',
    summary: 'show who is in a team, and what is shared with it',
    load: async () => ({ run: (await import('./commands/team.ts')).show }),
  });
  add(team, {
    usage: 'add <name> <member>',
    summary: 'take a person into a team of yours; they get what is shared with it',
    load: async () => ({ run: (await import('./commands/team.ts')).add }),
  });
  add(team, {
    usage: 'remove <name> <member>',
    summary: 'take a person out of a team of yours; what is shared with it gets new keys',
    load: async () => ({ run: (await import('./commands/team.ts')).remove }),
  });
  add(team, {
    usage: 'leave <name>',
    summary: 'leave a team, and all that is shared with it',
    load: async () => ({ run: (await import('./commands/team.ts')).leave }),
  });
}
