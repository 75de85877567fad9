import { bindings, onlyCommands, rowActs, screenIds } from '../../packages/tui/src/index.ts';
import type { Binding, ScreenId } from '../../packages/tui/src/index.ts';

/** The keys of all screens as Markdown: those of every screen first, then those of each. */
export function keyTables(): string {
  const everywhere = bindings.filter(({ screens }) => screens === 'all');
  const parts = [`### Everywhere\n\n${keyTable(everywhere)}`];
  for (const screen of screenIds) {
    const own = bindings.filter(({ screens }) => screens !== 'all' && screens.includes(screen));
    parts.push(`### ${titles[screen]}\n\n${keyTable(own)}`);
  }
  return parts.join('\n\n');
}

/**
 * Each command of the command line, and what does the same here. @throws Error for one that nothing says anything about, and for
 * what is said of one that is not there, or that has a place here
 */
export function commandTable(commands: readonly string[]): string {
  const needless = Object.keys(onlyCommands).filter((name) => !commands.includes(name) || placesOf(name).length > 0);
  if (needless.length > 0) throw new Error(`it is said of ${needless.join(', ')} that only commands do it`);
  const rows = commands.map((command) => `| \`${command}\` | ${placeOf(command)} |`);
  return ['| command | here |', '|---|---|', ...rows].join('\n');
}

const titles: Readonly<Record<ScreenId, string>> = {
  files: 'Files',
  transfers: 'Transfers',
  history: 'History',
  sharing: 'Sharing',
  jobs: 'Jobs',
  notifications: 'Notifications',
  settings: 'Settings',
  admin: 'Administration',
};

function keyTable(rows: readonly Binding[]): string {
  const lines = rows.map(
    ({ keys, label, help }) => `| ${keys.map((key) => `\`${key}\``).join(' ')} | ${label} | ${help} |`,
  );
  return ['| keys | name | what it does |', '|---|---|---|', ...lines].join('\n');
}

/** What is done here and by no command, and why. */
export function onlyHereTable(): string {
  const reasons = Map.groupBy(
    bindings.filter(({ onlyHere }) => onlyHere !== undefined),
    ({ onlyHere = '' }) => onlyHere,
  );
  const rows = [...reasons].map(([reason, found]) => `| ${found.map(describe).join(', ')} | ${reason} |`);
  return ['| here | why no command does it |', '|---|---|', ...rows].join('\n');
}

function placesOf(command: string): readonly string[] {
  return [
    ...bindings.filter(({ cli }) => cli?.includes(command) === true).map(describe),
    ...rowActs.filter(({ cli }) => cli.includes(command)).map(({ screen, label }) => `${titles[screen]}: ${label}`),
  ];
}

function placeOf(command: string): string {
  const found = placesOf(command);
  if (found.length > 0) return found.join(', ');
  const reason = onlyCommands[command];
  if (reason === undefined)
    throw new Error(`nothing in the terminal UI does what \`${command}\` does, and nothing says why`);
  return `not here: ${reason}`;
}

function describe({ screens, keys, label }: Binding): string {
  const where = screens === 'all' ? '' : `${screens.map((screen) => titles[screen]).join(', ')}: `;
  return `${where}${keys[0] === undefined ? label : `\`${keys[0]}\` ${label}`}`;
}
