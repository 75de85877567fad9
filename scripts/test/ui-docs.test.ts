import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { commandNames } from '../../packages/cli/src/program.ts';
import { bindings } from '../../packages/tui/src/keymap.ts';
import { commandTable, keyTables } from '../ui-docs/tables.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/TUI.md', import.meta.url)), 'utf8');
const commands = commandNames(process);

test('docs/TUI.md has the keys as they are; `npm run ui-docs` writes them', () => {
  expect(page).toContain(keyTables());
});

test('every command is somewhere in the terminal UI, or it is said why not', () => {
  expect(page).toContain(commandTable(commands));
});

test('what the terminal UI says of commands is about commands that there are', () => {
  const named = bindings.flatMap(({ cli = [] }) => cli);
  expect(named.filter((command) => !commands.includes(command))).toEqual([]);
});
