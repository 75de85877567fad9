import type { Binding } from './binding.ts';

/** Keys of the Transfers screen. */
export const transfersKeys = [
  {
    action: 'pause',
    keys: ['P'],
    label: 'pause',
    help: 'Stop it where it is; again goes on.',
    group: 'Transfer',
    screens: ['transfers'],
    cli: ['put', 'get'],
    footer: 1,
  },
  {
    action: 'retry',
    keys: ['r'],
    label: 'try again',
    help: 'Run it again: only what is missing travels.',
    group: 'Transfer',
    screens: ['transfers'],
    cli: ['put', 'get'],
    footer: 2,
  },
  {
    action: 'cancelTransfer',
    keys: ['d'],
    label: 'cancel',
    help: 'End it; what was stored stays.',
    group: 'Transfer',
    screens: ['transfers'],
    cli: ['put', 'get'],
    footer: 3,
  },
  {
    action: 'clearDone',
    keys: ['c'],
    label: 'clear',
    help: 'Take what is done out of the list.',
    group: 'Transfer',
    screens: ['transfers'],
    footer: 4,
    onlyHere: 'only this screen has a list of transfers',
  },
] as const satisfies readonly Binding[];
