import { expect, test } from '@jest/globals';
import { systemClock } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { listPane } from '../src/app/list-pane.ts';
import { listStart, move } from '../src/app/list-state.ts';
import { motionOf } from '../src/app/motions.ts';
import type { Screen } from '../src/app/screen.ts';
import { Shell } from '../src/app/shell.ts';
import { Store } from '../src/app/store.ts';
import { showShell } from '../src/components/show-shell.tsx';
import { frameRows } from '../src/frame/frame.ts';
import { lineText, lineWidth } from '../src/frame/line.ts';
import { createTheme } from '../src/terminal/theme.ts';
import { MemoryTerminal } from './memory-terminal.ts';

/** A screen of names, with a cursor and nothing else. */
function namesScreen(names: readonly string[]): Screen {
  const list = new Store(listStart);
  return {
    id: 'files',
    title: 'Names',
    subscribe: (listener) => list.subscribe(listener),
    view: (space) => ({
      crumbs: ['Names'],
      panes: [
        listPane(
          { title: 'Names', rows: names.map((text) => ({ text })), list: list.state, empty: '' },
          space,
          space.columns,
        ),
      ],
    }),
    can: (action) => (action === 'trash' ? 'nothing can be removed here' : true),
    run: (action, height) => {
      const motion = motionOf(action);
      if (motion !== undefined) list.update((state) => move(state, motion, { count: names.length, height }));
    },
    escape: () => false,
  };
}

function openShell(names: readonly string[], { color = false, unicode = true, isBare = false } = {}): Shell {
  const theme = createTheme({ color, unicode });
  const shell = new Shell({ clock: systemClock, theme, isBare, stop: () => Promise.resolve() });
  shell.open([namesScreen(names)], () => Promise.resolve(true));
  return shell;
}

const hard = [
  'plain',
  '漢字かな交じり',
  'e\u0301te\u0301',
  '👨‍👩‍👧 family',
  '🇩🇪',
  '\u001b[2J',
  'a\u202Eb',
  'x'.repeat(300),
];

test.each([
  [60, 15],
  [80, 24],
  [250, 80],
])('at %i × %i every row is as wide as the screen, whatever names hold', (columns, rows) => {
  const drawn = frameRows(openShell(hard).frame({ columns, rows }));
  expect(drawn).toHaveLength(rows);
  for (const one of drawn) expect(lineWidth(one)).toBe(columns);
});

test('a screen that is too small says so, and takes no keys', () => {
  const shell = openShell(hard);
  const text = frameRows(shell.frame({ columns: 50, rows: 10 })).map(lineText);
  expect(text[0]).toMatch(/^coffer needs 60 × 15; this is 50 × 10/);
  shell.key('j');
  shell.frame({ columns: 80, rows: 24 });
  expect(shell.frame({ columns: 80, rows: 24 }).cursor).toEqual({ x: 1, y: 2 });
});

test('without UTF-8 only ASCII is drawn, for screen readers no box at all', () => {
  const ascii = frameRows(openShell(hard, { unicode: false }).frame({ columns: 80, rows: 24 }))
    .map(lineText)
    .join('');
  expect(ascii).toMatch(/^[\x20-\x7e]*$/);
  const small = frameRows(openShell(hard, { unicode: false }).frame({ columns: 50, rows: 10 })).map(lineText);
  expect(small[0]).toMatch(/^coffer needs 60 x 15; this is 50 x 10/);
  const bare = frameRows(openShell(['one'], { isBare: true }).frame({ columns: 80, rows: 24 }))
    .map(lineText)
    .join('');
  expect(bare).not.toMatch(/[┌│└]/);
});

test('without colours nothing is lost: the cursor and marks are letters', () => {
  const looks = Object.values(createTheme({ color: false, unicode: true }).looks);
  expect(
    looks.some(({ color, inverse, dimColor }) => color !== undefined || inverse === true || dimColor === true),
  ).toBe(false);
  const rows = frameRows(openShell(['one', 'two']).frame({ columns: 80, rows: 24 })).map(lineText);
  expect(rows[2]).toMatch(/^│> one/);
});

test('what cannot be done says why', () => {
  const shell = openShell(['one']);
  shell.key('d');
  expect(lineText(shell.frame({ columns: 80, rows: 24 }).footer[0] ?? [])).toMatch(/nothing can be removed here/);
});

test('on a real screen: wide names line up, the cursor stands on its row, a move writes little, resizing draws anew', async () => {
  const terminal = new MemoryTerminal(80, 24);
  const shell = openShell(hard, { color: true });
  const shown = showShell(shell, terminal.streams);
  const rows = await terminal.rows();
  expect(rows[0]).toMatch(/^ coffer {2}Names/);
  for (const row of rows.slice(2, 10)) expect(row.endsWith('│')).toBe(true);
  expect(rows[3]).toMatch(/^│ {2}漢字かな交じり/);
  terminal.written = 0;
  terminal.stdin.write('j');
  expect((await terminal.rows())[3]).toMatch(/^│> 漢字/);
  expect(terminal.written).toBeLessThan(1024);
  const { cursorX, cursorY } = terminal.screen.buffer.active;
  expect([cursorX, cursorY]).toEqual([1, 3]);
  terminal.resize(100, 30);
  expect((await terminal.rows())[1]).toMatch(/^┌ Names ─{90,}┐$/);
  await shown[Symbol.asyncDispose]();
  expect(terminal.screen.buffer.active.type).toBe('normal');
});

test('keys that arrive together are all heard', async () => {
  const terminal = new MemoryTerminal(80, 24);
  const shown = showShell(openShell(hard), terminal.streams);
  await terminal.rows();
  terminal.stdin.write('jj\u001b[Bk');
  expect((await terminal.rows())[4]).toMatch(/^│> e\u0301/);
  await shown[Symbol.asyncDispose]();
});

test('a question that comes late takes no key that was meant for what was there before', async () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs, monotonicMs: () => nowMs };
  const theme = createTheme({ color: false, unicode: true });
  const shell = new Shell({ clock, theme, isBare: false, stop: () => Promise.resolve() });
  const late = shell.confirm({ title: 'Really?', lines: [], yes: 'do it', isLate: true });
  nowMs = 299;
  shell.key('n');
  expect(
    frameRows(shell.frame({ columns: 80, rows: 24 }))
      .map(lineText)
      .join(),
  ).toMatch(/Really\?/);
  nowMs = 300;
  shell.key('y');
  await expect(late).resolves.toBe(true);
  const other = shell.confirm({ title: 'And this?', lines: [], yes: 'do it' });
  shell.key('y');
  await expect(other).resolves.toBe(true);
});

test('back leads screen by screen to the first one, and does not go in circles', () => {
  const theme = createTheme({ color: false, unicode: true });
  const shell = new Shell({ clock: systemClock, theme, isBare: false, stop: () => Promise.resolve() });
  const ids = ['files', 'sharing', 'jobs'] as const;
  shell.open(
    ids.map((id) => ({ ...namesScreen([id]), id })),
    () => Promise.resolve(true),
  );
  const here = (): string => lineText(shell.frame({ columns: 80, rows: 24 }).columns[0]?.lines[1] ?? []).slice(3, 12);
  const seen = ['4', '5', '4', '5', 'q', 'q'].map((key) => {
    shell.key(key);
    return here().trim();
  });
  expect(seen).toEqual(['sharing', 'jobs', 'sharing', 'jobs', 'sharing', 'files']);
  expect(shell.isEnded).toBe(false);
});

test('on a locked screen nothing is told of what happens', async () => {
  const shell = openShell(['one']);
  shell.cover(true);
  shell.say('alice shares plans with you');
  const text = (): string =>
    frameRows(shell.frame({ columns: 80, rows: 24 }))
      .map(lineText)
      .join('');
  expect(text()).not.toMatch(/alice|one/);
  shell.cover(false);
  expect(text()).toMatch(/alice[^]*/);
});

test('at any width some keys are told, and as many as there is room for', () => {
  const shell = openShell(['one']);
  for (let columns = 60; columns <= 140; columns += 1) {
    const footer = lineText(shell.frame({ columns, rows: 24 }).footer[0] ?? []);
    expect(footer).toMatch(/^ *\? help /);
    expect(footer.trimStart().length).toBeGreaterThan(Math.min(columns, 100) - 20);
  }
});
