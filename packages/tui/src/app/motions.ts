import type { ActionId } from '../keymap.ts';
import type { Motion } from './list-state.ts';

const motions: Partial<Record<ActionId, Motion>> = {
  up: 'up',
  down: 'down',
  first: 'first',
  last: 'last',
  halfUp: 'halfUp',
  halfDown: 'halfDown',
};

/** What an action of the keymap means for the cursor of a list; undefined when it is about something else. */
export function motionOf(action: ActionId): Motion | undefined {
  return motions[action];
}
