import type { Binding, ScreenId } from './keymap/binding.ts';
import { accountKeys } from './keymap/account.ts';
import { adminKeys } from './keymap/admin.ts';
import { filesKeys } from './keymap/files.ts';
import { historyKeys } from './keymap/history.ts';
import { jobsKeys } from './keymap/jobs.ts';
import { movingKeys } from './keymap/moving.ts';
import { programKeys } from './keymap/program.ts';
import { sharingKeys } from './keymap/sharing.ts';
import { transfersKeys } from './keymap/transfers.ts';

export { screenIds } from './keymap/binding.ts';
export type { Binding, ScreenId } from './keymap/binding.ts';

/** Drives keys, footer, help, palette and docs/TUI.md: what is not here does not exist. */
const keymap = [
  ...movingKeys,
  ...filesKeys,
  ...transfersKeys,
  ...historyKeys,
  ...sharingKeys,
  ...jobsKeys,
  ...accountKeys,
  ...adminKeys,
  ...programKeys,
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

/** The screen that an action leads to. */
export function screenOf(action: ActionId): ScreenId | undefined {
  return targets[action];
}

const targets: Partial<Record<ActionId, ScreenId>> = {
  showFiles: 'files',
  showTransfers: 'transfers',
  showHistory: 'history',
  showSharing: 'sharing',
  showJobs: 'jobs',
  showNotifications: 'notifications',
  showSettings: 'settings',
  showAdmin: 'admin',
};

function isOn(screens: Binding['screens'], screen: ScreenId): boolean {
  return screens === 'all' || screens.includes(screen);
}
