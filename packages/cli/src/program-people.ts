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
}

function addSharing(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'share <path> <name>',
    summary: 'share a file or folder with a person; they find it under /Shared/YOU',
    load: () => import('./commands/share.ts'),
  }).option('--write', 'they may change it too');
  add(program, {
    usage: 'unshare <path> [name]',
    summary: 'take a share away from a person, or leave one that somebody shares with you',
    load: () => import('./commands/unshare.ts'),
  });
  add(program, {
    usage: 'shares',
    summary: 'list what you share with whom, and what is shared with you',
    load: () => import('./commands/shares.ts'),
  });
}
