/**
 * `npm run ui-docs`: writes keys, commands and captures of the running program into docs/TUI.md. The captures come from a
 * terminal in memory, of a vault that is made for them; `-- --tables` leaves them as they are.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandNames } from '../packages/cli/src/program.ts';
import { captureScreens } from './ui-docs/captures.ts';
import { commandTable, keyTables, onlyHereTable } from './ui-docs/tables.ts';

const file = join(import.meta.dirname, '..', 'docs', 'TUI.md');

const commands = commandNames(process);
const captures = process.argv.includes('--tables') ? {} : await captureScreens();
const parts = { keys: keyTables(), commands: commandTable(commands), 'only here': onlyHereTable(), ...captures };
const written = Object.entries(parts).reduce((text, [name, part]) => put(text, name, part), readFileSync(file, 'utf8'));
writeFileSync(file, written);

/** Text between the markers of a name. @throws Error when they are not there */
function put(page: string, name: string, text: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/TUI.md lacks ${start} and ${end}`);
  return `${page.slice(0, from + start.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}
