import type { Binding } from './binding.ts';

/** Keys of what the account is told. */
export const accountKeys = [
  {
    action: 'readOne',
    keys: ['space'],
    label: 'read',
    help: 'Mark it as read.',
    group: 'Account',
    screens: ['notifications'],
    cli: ['notifications'],
    footer: 1,
  },
  {
    action: 'readAll',
    keys: ['A'],
    label: 'read all',
    help: 'Mark all as read.',
    group: 'Account',
    screens: ['notifications'],
    cli: ['notifications'],
    footer: 2,
  },
  {
    action: 'revokeDevice',
    keys: ['d'],
    label: 'revoke',
    help: 'Revoke a device of yours that is lost or not needed any more; what that means is said first.',
    group: 'Account',
    screens: ['settings'],
    cli: ['device'],
    footer: 1,
  },
] as const satisfies readonly Binding[];
