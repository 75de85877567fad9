import { expect, test } from '@jest/globals';
import { displayName } from '@coffer/client';
import type { Entry } from '@coffer/client';
import fc from 'fast-check';
import {
  chosenRows,
  filesAt,
  peel,
  refreshRows,
  toggleAll,
  toggleMark,
  toggleRange,
  withHidden,
  withQuery,
  withSorting,
} from '../src/screens/files/files-state.ts';
import type { FilesState } from '../src/screens/files/files-state.ts';
import { NameFilter } from '../src/screens/files/name-filter.ts';
import { filesView } from '../src/screens/files/files-view.ts';
import type { FilesViewInput } from '../src/screens/files/files-view.ts';
import { lineText } from '../src/frame/line.ts';
import { createTheme } from '../src/terminal/theme.ts';
import { row } from './rows.ts';

const folder = { kind: 'folder' as const, entry: {} as Entry, names: [] };
const names = (state: FilesState): string[] => state.rows.map(({ name }) => displayName(name));
const at = (state: FilesState, cursor: number): FilesState => ({ ...state, list: { cursor, top: 0 } });

const rows = [
  row('.hidden'),
  row('alpha.txt', { size: 10, mtimeMs: 3 }),
  row('beta.jpg', { size: 30, mtimeMs: 2 }),
  row('docs', { kind: 'directory' }),
  row('gamma.txt', { size: 20, mtimeMs: 1 }),
];

test('folders come first, hidden names only when asked for', () => {
  const state = filesAt(folder, rows);
  expect(names(state)).toEqual(['docs', 'alpha.txt', 'beta.jpg', 'gamma.txt']);
  expect(names(withHidden(state, true))).toEqual(['docs', '.hidden', 'alpha.txt', 'beta.jpg', 'gamma.txt']);
});

test('the cursor stays with its entry when the order changes', () => {
  const bySize = withSorting(at(filesAt(folder, rows), 1), { by: 'size', isReversed: false }, rows);
  expect(names(bySize)).toEqual(['docs', 'beta.jpg', 'gamma.txt', 'alpha.txt']);
  expect(bySize.rows[bySize.list.cursor]?.name).toBe('alpha.txt');
  expect(names(withSorting(bySize, { by: 'kind', isReversed: false }, rows))).toEqual([
    'docs',
    'beta.jpg',
    'alpha.txt',
    'gamma.txt',
  ]);
});

test('marks and the cursor survive what another device does', () => {
  const marked = toggleMark(at(filesAt(folder, rows), 2));
  const fresh = [
    row('aaa'),
    ...rows.filter(({ name }) => name !== 'alpha.txt').map(({ name, kind }) => row(name, { kind })),
  ];
  const next = refreshRows(marked, fresh);
  expect(names(next)).toEqual(['docs', 'aaa', 'beta.jpg', 'gamma.txt']);
  expect(next.rows[next.list.cursor]?.name).toBe('beta.jpg');
  expect(chosenRows(next).map(({ name }) => name)).toEqual(['beta.jpg']);
});

test('what was marked and is gone is not acted upon', () => {
  const marked = toggleMark(at(filesAt(folder, rows), 1));
  const next = refreshRows(marked, [row('other')]);
  expect(next.marks.size).toBe(0);
  expect(next.list.cursor).toBe(0);
});

test('a range marks everything between its ends, in either direction', () => {
  const begun = toggleRange(at(filesAt(folder, rows), 3));
  const ended = toggleRange(at(begun, 1));
  expect(chosenRows(ended).map(({ name }) => name)).toEqual(['alpha.txt', 'beta.jpg', 'gamma.txt']);
});

test('marking all again marks none; Esc peels one layer at a time', () => {
  const all = toggleAll(withQuery(filesAt(folder, rows), 'txt'));
  expect(chosenRows(all)).toHaveLength(2);
  expect(toggleAll(all).marks.size).toBe(0);
  const first = peel(all);
  expect(first.marks.size).toBe(0);
  expect(first.query).toBe('txt');
  const second = peel(first);
  expect(second.query).toBe('');
  expect(names(second)).toHaveLength(4);
  expect(peel(second)).toBe(second);
});

test('a filter finds what a naive one finds, typed letter by letter or at once', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'B', 'ä', '.', '漢'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 30 }), letters, (made, query) => {
      const filter = new NameFilter(made.map((name) => row(name)));
      const naive = made.filter((name) =>
        name.normalize('NFC').toLowerCase().includes(query.normalize('NFC').toLowerCase()),
      );
      const typed = Array.from(query, (_, index) =>
        filter.matching(
          Array.from(query)
            .slice(0, index + 1)
            .join(''),
        ),
      ).at(-1);
      expect(typed?.map(({ name }) => name)).toEqual(naive);
    }),
  );
});

test.each([
  ['*.txt', ['alpha.txt', 'gamma.txt']],
  ['?lpha*', ['alpha.txt']],
  ['*a*a*', ['alpha.txt', 'gamma.txt']],
  ['beta', ['beta.jpg']],
  ['beta.?', []],
])('a pattern matches the whole name: %s', (query, found) => {
  expect(names(withQuery(filesAt(folder, rows), query))).toEqual(found);
});

test('many stars take no time', () => {
  const filter = new NameFilter([row('a'.repeat(255))]);
  expect(filter.matching(`${'*a'.repeat(100)}*b`)).toEqual([]);
});

test('places are shown whole, with what stands beside them', () => {
  const state = filesAt(folder, []);
  const theme = createTheme({ color: false, unicode: true });
  const space = { columns: 120, rows: 20, panes: 3, isBare: false, theme, nowMs: 0 } as const;
  const places = [
    { label: 'Home', badge: undefined },
    { label: 'Notifications', badge: '12 new' },
  ];
  const input = {
    state: { ...state, showsInfo: false },
    places,
    info: {},
    shownPath: () => [],
    trashDays: 30,
  } as unknown as FilesViewInput;
  const [pane] = filesView(input, space).panes;
  expect(pane?.lines.map(lineText).map((text) => text.trim())).toEqual(['> Home', 'Notifications 12 new']);
});
