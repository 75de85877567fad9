import { expect, test } from '@jest/globals';
import { choicesOf, dialogKey, dialogPaste, openDialog } from '../src/app/dialog.ts';
import type { DialogState, Question } from '../src/app/dialog.ts';
import { dialogView } from '../src/app/dialog-view.ts';
import { lineText } from '../src/frame/line.ts';
import { drawPane } from '../src/frame/pane.ts';
import { shown } from '../src/terminal/text.ts';
import { createTheme } from '../src/terminal/theme.ts';

const height = 10;
/** Sets the title of a terminal that it reaches. */
const hostile = 'evil\u001B]0;title\u0007';
const { glyphs } = createTheme({ color: false, unicode: true });

/** The state after some keys; the answer when one ended it. */
function press(
  question: Question | DialogState,
  ...keys: readonly string[]
): DialogState | { readonly answer: unknown } {
  let state = 'question' in question ? question : openDialog(question);
  for (const key of keys) {
    const step = dialogKey(state, key, { width: 60, height });
    if ('answer' in step) return step;
    state = step.state;
  }
  return state;
}

function open(found: DialogState | { readonly answer: unknown }): DialogState {
  if ('answer' in found) throw new Error('it has ended');
  return found;
}

test('text is typed, corrected, and refused with a reason until it will do', () => {
  const check = (text: string): string | undefined => (text === 'taken' ? 'is there already' : undefined);
  const question = { kind: 'text' as const, title: 'Name', check };
  const refused = open(press(question, ...Array.from('taken'), 'enter'));
  expect(refused.problem).toBe('is there already');
  expect(press(refused, 'backspace', 's', 'enter')).toEqual({ answer: 'takes' });
  expect(press(question, 'x', 'esc')).toEqual({ answer: undefined });
});

test.each<Question>([
  { kind: 'text', title: `Rename ${hostile}`, initial: hostile, hint: hostile },
  { kind: 'plan', title: hostile, lines: [hostile], yes: hostile },
  { kind: 'plan', title: hostile, lines: [hostile], yes: 'remove', word: hostile },
  { kind: 'choice', title: hostile, choices: [{ label: hostile, detail: hostile, value: 1 }] },
  { kind: 'choice', title: hostile, choices: [{ label: 'x', value: 1, disabled: hostile }] },
  { kind: 'message', title: hostile, lines: [hostile] },
])('no name makes the terminal do anything: %#', (question) => {
  const view = dialogView(openDialog(question), { width: 60, height, glyphs });
  const pane = { title: view.title, lines: view.lines, isFocused: true };
  for (const isBare of [true, false]) {
    const drawn = drawPane(pane, { width: 62, height: height + 2, isBare }, glyphs)
      .map(lineText)
      .join('');
    expect(drawn).not.toMatch(/\p{Cc}/u);
    expect(drawn).toContain('evil');
  }
});

test('a name that cannot be typed is typed as it is drawn', () => {
  const question = { kind: 'plan' as const, title: 'Remove', lines: [], yes: 'remove', word: hostile };
  expect(press(dialogPaste(openDialog(question), shown(hostile)), 'enter')).toEqual({ answer: true });
});

test('the cursor moves by characters as people count them', () => {
  expect(press({ kind: 'text', title: '', initial: '漢👍🏽e\u0301' }, 'left', 'backspace', 'home', 'x', 'enter')).toEqual(
    {
      answer: 'x漢e\u0301',
    },
  );
});

test('a plan waits for y; what cannot be taken back for its name', () => {
  const plan = { kind: 'plan' as const, title: 'Trash', lines: ['1 file'], yes: 'move' };
  expect(press(plan, 'y')).toEqual({ answer: true });
  expect(press(plan, 'enter', 'x', 'n')).toEqual({ answer: undefined });
  const word = { ...plan, word: 'q1.pdf' };
  expect(open(press(word, 'y', 'enter')).problem).toMatch(/type q1\.pdf/);
  expect(press(word, ...Array.from('q1.pdf'), 'enter')).toEqual({ answer: true });
});

test('pasted text fills fields, one line of it, and never agrees to a plan', () => {
  const field = dialogPaste(openDialog({ kind: 'text', title: '' }), 'two\nlines\u001b[A');
  expect(press(field, 'enter')).toEqual({ answer: 'two lines [A' });
  const plan = openDialog({ kind: 'plan', title: '', lines: [], yes: 'go' });
  expect(dialogPaste(plan, 'y')).toBe(plan);
});

test('a choice is narrowed by its words, marked by Tab, and says why it cannot be made', () => {
  const choices = [
    { label: 'red', detail: 'warm', value: 1 },
    { label: 'blue', detail: 'cold', value: 2 },
    { label: 'green', value: 3, disabled: 'sold out' },
  ];
  const question = { kind: 'choice' as const, title: '', choices, canType: true };
  expect(choicesOf(open(press(question, ...Array.from('cold')))).map(({ label }) => label)).toEqual(['blue']);
  expect(press(question, 'down', 'enter')).toEqual({ answer: 2 });
  expect(open(press(question, 'down', 'down', 'enter')).problem).toBe('sold out');
  expect(press({ ...question, canMark: true }, 'tab', 'tab', 'enter')).toMatchObject({ problem: 'sold out' });
  expect(press({ ...question, canMark: true }, 'tab', 'enter')).toEqual({ answer: { values: [1], areMarked: true } });
});

test('a secret is drawn as stars, and the cursor stands behind them', () => {
  const state = open(press({ kind: 'text', title: 'Password', isSecret: true }, ...Array.from('geheim')));
  const view = dialogView(state, { width: 40, height, glyphs });
  expect(view.lines.map(lineText).join('\n')).not.toContain('geheim');
  expect(lineText(view.lines[0] ?? [])).toBe('> ******');
  expect(view.cursor).toEqual({ row: 0, column: 8 });
});

test.each<Question>([
  { kind: 'message', title: 'Keys', lines: Array.from({ length: 30 }, (_, index) => `line ${index}`) },
  { kind: 'plan', title: 'Plan', lines: Array.from({ length: 30 }, (_, index) => `line ${index}`), yes: 'do it' },
  { kind: 'plan', title: 'Plan', lines: [`${'word '.repeat(60)}line 29`], yes: 'do it', word: 'it' },
])('what does not fit says that there is more, and is read to its end: %#', (question) => {
  const room = { width: 20, height: 7 };
  const after = (state: DialogState, key: string): DialogState => {
    const step = dialogKey(state, key, room);
    return open('state' in step ? step.state : step);
  };
  const seen = (state: DialogState): string =>
    dialogView(state, { ...room, glyphs })
      .lines.map(lineText)
      .join('\n');
  let state = openDialog(question);
  expect(seen(state)).toMatch(/↓ \d+ more/);
  expect(seen(state)).not.toContain('line 29');
  for (let key = 0; key < 40; key += 1) state = after(state, 'down');
  expect(seen(state)).toMatch(/line 29\n↑ \d+ above/);
  expect(seen(after(state, 'up'))).toMatch(/↓ 1 more/);
  expect(seen(state).split('\n').length).toBeLessThanOrEqual(room.height);
});
