/** Screens in the order of their digits; those of a part that the client does not have are not there. */
export const screenIds = ['files', 'transfers', 'history', 'jobs', 'settings'] as const;

export type ScreenId = (typeof screenIds)[number];

export interface Binding {
  readonly action: string;
  /** The first one is shown; none: only in the palette. */
  readonly keys: readonly string[];
  /** For the footer and the palette: a word or two. */
  readonly label: string;
  /** For help and docs: a sentence. */
  readonly help: string;
  readonly group: 'Move' | 'Choose' | 'Change' | 'Transfer' | 'Look' | 'Jobs' | 'Account' | 'Program';
  readonly screens: 'all' | readonly ScreenId[];
  /** Commands of the command line that do the same. */
  readonly cli?: readonly string[];
  /** Shown in the footer, in this order of importance; others only in help. */
  readonly footer?: number;
}

/** Drives keys, footer, help, palette and docs/TUI.md: what is not here does not exist. */
export const keymap = [
  { action: 'up', keys: ['k', 'up'], label: 'up', help: 'Up one row.', group: 'Move', screens: 'all' },
  { action: 'down', keys: ['j', 'down'], label: 'down', help: 'Down one row.', group: 'Move', screens: 'all' },
  { action: 'first', keys: ['g', 'home'], label: 'first', help: 'To the first row.', group: 'Move', screens: 'all' },
  { action: 'last', keys: ['G', 'end'], label: 'last', help: 'To the last row.', group: 'Move', screens: 'all' },
  {
    action: 'halfUp',
    keys: ['^u', 'pgup'],
    label: 'half up',
    help: 'Up half a screen.',
    group: 'Move',
    screens: 'all',
  },
  {
    action: 'halfDown',
    keys: ['^d', 'pgdn'],
    label: 'half down',
    help: 'Down half a screen.',
    group: 'Move',
    screens: 'all',
  },
  {
    action: 'open',
    keys: ['enter', 'l', 'right'],
    label: 'open',
    help: 'Open the folder, or see the file.',
    group: 'Move',
    screens: ['files', 'history', 'jobs', 'settings', 'transfers'],
    cli: ['ls', 'preview', 'cat'],
  },
  {
    action: 'back',
    keys: ['h', 'left', 'backspace'],
    label: 'back',
    help: 'To the folder above, or to where you came from.',
    group: 'Move',
    screens: ['files', 'history'],
  },
  {
    action: 'pane',
    keys: ['tab', 'shift-tab'],
    label: 'pane',
    help: 'To the next pane.',
    group: 'Move',
    screens: ['files', 'history'],
  },
  {
    action: 'mark',
    keys: ['space'],
    label: 'mark',
    help: 'Mark the row, or take the mark off, and move on.',
    group: 'Choose',
    screens: ['files'],
  },
  {
    action: 'range',
    keys: ['v'],
    label: 'range',
    help: 'Begin a range; again marks all rows of it.',
    group: 'Choose',
    screens: ['files'],
  },
  {
    action: 'markAll',
    keys: ['^a'],
    label: 'mark all',
    help: 'Mark everything that is shown; again takes all marks off.',
    group: 'Choose',
    screens: ['files'],
  },
  {
    action: 'filter',
    keys: ['/'],
    label: 'filter',
    help: 'Show only rows whose name holds what you type; * and ? stand for anything. Esc shows all again.',
    group: 'Look',
    screens: ['files'],
    footer: 5,
  },
  {
    action: 'nextMatch',
    keys: ['n'],
    label: 'next match',
    help: 'To the next row that the last filter matches.',
    group: 'Look',
    screens: ['files'],
  },
  {
    action: 'previousMatch',
    keys: ['N'],
    label: 'previous match',
    help: 'To the previous row that the last filter matches.',
    group: 'Look',
    screens: ['files'],
  },
  {
    action: 'find',
    keys: ['f'],
    label: 'find',
    help: 'Find by name in the whole vault.',
    group: 'Look',
    screens: ['files'],
    cli: ['find'],
    footer: 6,
  },
  {
    action: 'hidden',
    keys: ['.'],
    label: 'hidden',
    help: 'Show names that begin with a dot, or hide them.',
    group: 'Look',
    screens: ['files'],
  },
  {
    action: 'sort',
    keys: [','],
    label: 'sort',
    help: 'Sort by name, size, time or kind; the same again turns it round.',
    group: 'Look',
    screens: ['files'],
  },
  {
    action: 'info',
    keys: ['i'],
    label: 'info',
    help: 'Show facts and content beside the list, or hide them.',
    group: 'Look',
    screens: ['files'],
    cli: ['preview'],
  },
  {
    action: 'copy',
    keys: ['y'],
    label: 'copy',
    help: 'Take the marked rows to copy them.',
    group: 'Change',
    screens: ['files'],
    cli: ['cp'],
  },
  {
    action: 'cut',
    keys: ['x'],
    label: 'move',
    help: 'Take the marked rows to move them.',
    group: 'Change',
    screens: ['files'],
    cli: ['mv'],
  },
  {
    action: 'paste',
    keys: ['p'],
    label: 'put here',
    help: 'Put here what was taken.',
    group: 'Change',
    screens: ['files'],
    cli: ['cp', 'mv'],
    footer: 4,
  },
  {
    action: 'rename',
    keys: ['r'],
    label: 'rename',
    help: 'Give the row another name.',
    group: 'Change',
    screens: ['files'],
    cli: ['mv'],
    footer: 3,
  },
  {
    action: 'make',
    keys: ['a'],
    label: 'new',
    help: 'Make a file; with / at the end of its name a folder.',
    group: 'Change',
    screens: ['files'],
    cli: ['mkdir', 'put'],
    footer: 7,
  },
  {
    action: 'trash',
    keys: ['d'],
    label: 'trash',
    help: 'Move the marked rows to the trash.',
    group: 'Change',
    screens: ['files'],
    cli: ['rm'],
    footer: 2,
  },
  {
    action: 'view',
    keys: [],
    label: 'view',
    help: 'Show facts and content of the row in the whole width; Esc closes.',
    group: 'Look',
    screens: ['files'],
    cli: ['preview', 'cat'],
  },
  {
    action: 'restore',
    keys: ['R'],
    label: 'restore',
    help: 'Bring back what was removed, to where it was.',
    group: 'Change',
    screens: ['files'],
    cli: ['restore'],
    footer: 1,
  },
  {
    action: 'undo',
    keys: ['z'],
    label: 'undo',
    help: 'Take back the last move, rename, copy, new name or removal.',
    group: 'Change',
    screens: ['files'],
    cli: ['restore', 'mv', 'rm'],
    footer: 8,
  },
  {
    action: 'help',
    keys: ['?'],
    label: 'help',
    help: 'All keys of this screen.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'palette',
    keys: [':'],
    label: 'command',
    help: 'Find a command by its name.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'showFiles',
    keys: ['1'],
    label: 'files',
    help: 'What is in the vault.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'showTransfers',
    keys: ['2'],
    label: 'transfers',
    help: 'What goes up and down.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'showHistory',
    keys: ['3'],
    label: 'history',
    help: 'The vault as it was, and the versions of a file.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'showJobs',
    keys: ['5'],
    label: 'jobs',
    help: 'Folders of this device that are kept in step.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'showSettings',
    keys: ['7'],
    label: 'settings',
    help: 'Account, devices, what is kept, and a check of everything.',
    group: 'Program',
    screens: 'all',
  },
  {
    action: 'quit',
    keys: ['q'],
    label: 'back or quit',
    help: 'Back to the screen before; from the first screen, quit.',
    group: 'Program',
    screens: 'all',
  },
] as const satisfies readonly Binding[];

export type ActionId = (typeof keymap)[number]['action'];

/** The same list by its interface. */
export const bindings: readonly (Binding & { readonly action: ActionId })[] = keymap;

/** What a key means on a screen. */
export function actionFor(screen: ScreenId, key: string): ActionId | undefined {
  return bindings.find(({ keys, screens }) => keys.includes(key) && isOn(screens, screen))?.action;
}

export function bindingsOf(screen: ScreenId): readonly (Binding & { readonly action: ActionId })[] {
  return bindings.filter(({ screens }) => isOn(screens, screen));
}

function isOn(screens: Binding['screens'], screen: ScreenId): boolean {
  return screens === 'all' || screens.includes(screen);
}
