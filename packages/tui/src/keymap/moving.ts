import type { Binding } from './binding.ts';

const cursor = 'moves the cursor';
const place = 'goes from place to place';

/** Keys that move the cursor and lead from place to place. */
export const movingKeys = [
  {
    action: 'up',
    keys: ['k', 'up'],
    label: 'up',
    help: 'Up one row.',
    group: 'Move',
    screens: 'all',
    onlyHere: cursor,
  },
  {
    action: 'down',
    keys: ['j', 'down'],
    label: 'down',
    help: 'Down one row.',
    group: 'Move',
    screens: 'all',
    onlyHere: cursor,
  },
  {
    action: 'first',
    keys: ['g', 'home'],
    label: 'first',
    help: 'To the first row.',
    group: 'Move',
    screens: 'all',
    onlyHere: cursor,
  },
  {
    action: 'last',
    keys: ['G', 'end'],
    label: 'last',
    help: 'To the last row.',
    group: 'Move',
    screens: 'all',
    onlyHere: cursor,
  },
  {
    action: 'halfUp',
    keys: ['^u', 'pgup'],
    label: 'half up',
    help: 'Up half a screen.',
    group: 'Move',
    screens: 'all',
    onlyHere: cursor,
  },
  {
    action: 'halfDown',
    keys: ['^d', 'pgdn'],
    label: 'half down',
    help: 'Down half a screen.',
    group: 'Move',
    screens: 'all',
    onlyHere: cursor,
  },
  {
    action: 'open',
    keys: ['enter', 'l', 'right'],
    label: 'open',
    help: 'Open the folder, see the file, or look into the row.',
    group: 'Move',
    screens: ['files', 'history', 'sharing', 'jobs', 'notifications', 'settings', 'transfers'],
    cli: ['ls', 'preview', 'cat'],
  },
  {
    action: 'back',
    keys: ['h', 'left', 'backspace'],
    label: 'back',
    help: 'To the folder above, or to where you came from.',
    group: 'Move',
    screens: ['files', 'history', 'sharing', 'jobs', 'notifications', 'settings', 'transfers'],
    onlyHere: place,
  },
  {
    action: 'pane',
    keys: ['tab', 'shift-tab'],
    label: 'pane',
    help: 'To the next pane.',
    group: 'Move',
    screens: ['files', 'history'],
    onlyHere: place,
  },
] as const satisfies readonly Binding[];
