import { bindingsOf } from '../keymap.ts';
import { fit } from '../terminal/text.ts';
import type { Message } from './dialog.ts';
import type { Screen } from './screen.ts';
import { keyText } from './shell-view.ts';

/** The keys of a screen by group, with the reason beside what cannot be done now. */
export function helpLines(screen: Screen): Message['lines'] {
  const groups = Map.groupBy(bindingsOf(screen.id), ({ group }) => group);
  return [...groups].flatMap(([group, found]) => [
    { text: group, role: 'title' as const },
    ...found
      .filter(({ keys }) => keys.length > 0)
      .map(({ keys, help }) => `  ${fit(keys.map(keyText).join(' '), 14)} ${help}`),
  ]);
}
