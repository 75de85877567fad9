import { expect, test } from '@jest/globals';
import { actionFor, bindings, bindingsOf, screenIds } from '../src/keymap.ts';

test('a key means one thing on a screen', () => {
  for (const screen of screenIds) {
    const keys = bindingsOf(screen).flatMap((binding) => binding.keys);
    expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
  }
});

test('an action is bound once, and says what it does in a sentence', () => {
  const actions = bindings.map(({ action }) => action);
  expect(new Set(actions).size).toBe(actions.length);
  for (const { help, label } of bindings) {
    expect(help).toMatch(/^[A-Z`].*\.$/);
    expect(label.length).toBeLessThan(17);
  }
});

test('help and palette are reached from everywhere', () => {
  for (const screen of screenIds) {
    expect(actionFor(screen, '?')).toBe('help');
    expect(actionFor(screen, ':')).toBe('palette');
  }
});
