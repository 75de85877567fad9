import type { Command as CommanderCommand } from 'commander';
import type { AddCommand } from './program.ts';

/** Commands about other people, and what is shared with them (CLI §Account, §Sharing). */
export function addPeopleCommands(program: CommanderCommand, add: AddCommand): void {
  add(program, {
    usage: 'verify-person <name>',
    summary: 'compare twelve words with a person, so that nothing is shared with somebody else',
    load: () => import('./commands/verify-person.ts'),
  });
}
