import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { commandNames } from '../../packages/cli/src/program.ts';
import { bindings, rowActs } from '../../packages/tui/src/index.ts';
import { commandTable, keyTables, onlyHereTable } from '../ui-docs/tables.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/TUI.md', import.meta.url)), 'utf8');
const commands = commandNames(process);

test('docs/TUI.md has the keys as they are; `npm run ui-docs` writes them', () => {
  expect(page).toContain(keyTables());
});

test('every command is somewhere in the terminal UI, or it is said why not', () => {
  expect(page).toContain(commandTable(commands));
});

test('a command that no screen has, and of which nothing is said, has no place in the table', () => {
  expect(() => commandTable([...commands, 'team rename'])).toThrow(/`team rename`/);
  expect(() => commandTable(commands.filter((command) => command !== 'serve'))).toThrow(/serve/);
});

test('every action is done by command too, or it is said why not', () => {
  expect(page).toContain(onlyHereTable());
});

test('what the terminal UI says of commands is about commands that there are', () => {
  const named = [...bindings, ...rowActs].flatMap(({ cli = [] }) => cli);
  expect(named.filter((command) => !commands.includes(command))).toEqual([]);
});
