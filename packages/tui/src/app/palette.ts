import { bindingsOf, screenOf } from '../keymap.ts';
import type { ActionId, ScreenId } from '../keymap.ts';
import type { Choice } from './dialog.ts';
import type { Screen } from './screen.ts';

/** Everything that can be done on a screen, with the reason beside what cannot be done now; no screens that are not there. */
export function paletteChoices(screen: Screen, isThere: (id: ScreenId) => boolean): readonly Choice<ActionId>[] {
  const leadsSomewhere = (target: ScreenId | undefined): boolean => target === undefined || isThere(target);
  return bindingsOf(screen.id)
    .filter(({ action, group }) => group !== 'Move' && action !== 'palette' && leadsSomewhere(screenOf(action)))
    .map(({ action, label, help, keys }) => {
      const ability = isOwnAction(action) ? true : screen.can(action);
      const detail = `${help}${keys[0] === undefined ? '' : `  [${keys[0]}]`}`;
      return { label, detail, value: action, ...(ability !== true && { disabled: ability }) };
    });
}

/** What the program itself does, on every screen. */
function isOwnAction(action: ActionId): boolean {
  return screenOf(action) !== undefined || action === 'help' || action === 'palette' || action === 'quit';
}
