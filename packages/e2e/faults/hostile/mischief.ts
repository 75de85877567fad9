import { encodeCbor, newEntryId, rootEntry, systemClock, systemRandom, utf8 } from '@coffer/core';
import type { EntryId, ErrorCode } from '@coffer/core';
import { noIds } from '@coffer/journal';
import type { PutRef, Ref } from '@coffer/journal';
import type { HostileCommit, StoredFile } from './rogue-device.ts';

type RawOperation = readonly unknown[];

/** What a device with valid keys does to the readers of its vault. */
export interface Mischief {
  readonly name: string;
  readonly commits: (stored: StoredFile) => readonly HostileCommit[];
  /** Commits that count for nothing. */
  readonly voids?: number;
  /** Operations that count for nothing. */
  readonly skips?: number;
  /** What is laid down all the same, inside: `file`, `directory` or `-> target`, by path. */
  readonly lays?: Readonly<Record<string, string>>;
  /** Codes of paths that cannot be laid down: they are told, and the rest goes on. */
  readonly fails?: readonly ErrorCode[];
  /** Takes it back. */
  readonly undo?: (stored: StoredFile) => readonly HostileCommit[];
}

const mtime = [1_700_000_000, 1];

const id = (): EntryId => newEntryId(systemClock, systemRandom);

interface Place {
  readonly entry?: EntryId;
  readonly parent?: EntryId;
}

function put(name: unknown, kind: string, { entry = id(), parent = rootEntry }: Place = {}): RawOperation {
  return ['put', entry, parent, name, kind, 0, mtime, kind === 'directory' ? 0o755 : 0o644, []];
}

export const directory = (name: unknown, place?: Place): RawOperation => put(name, 'directory', place);

export function link(name: unknown, target: unknown, place?: Place): RawOperation {
  return [...put(name, 'symlink', place), target];
}

const refOf = (entry: EntryId): PutRef => ({ kind: 'put', entry, chunks: [], segments: noIds });
const dropOf = (...entries: readonly EntryId[]): Ref => ({ kind: 'drop', entries, reason: 'removed' });

/** An empty file with the reference that it needs. */
export function file(
  name: unknown,
  { entry = id(), parent = rootEntry }: Place = {},
): Required<Pick<HostileCommit, 'refs'>> & {
  readonly operation: RawOperation;
} {
  return { operation: put(name, 'file', { entry, parent }), refs: [refOf(entry)] };
}

/** One commit of operations and files. */
export function commitOf(...parts: readonly (RawOperation | ReturnType<typeof file>)[]): HostileCommit {
  const operations = parts.map((part) => ('operation' in part ? part.operation : part));
  return { operations, refs: parts.flatMap((part) => ('operation' in part ? part.refs : [])) };
}

const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);

/** What no honest client lets in, as a file, a directory and a symlink. */
export const impossibleNames: readonly (readonly [string, unknown])[] = [
  ['nothing', ''],
  ['.', '.'],
  ['..', '..'],
  ['/', '/'],
  ['../', '../'],
  ['../outside', '../outside'],
  ['../outside/planted', '../outside/planted'],
  ['a/b', 'a/b'],
  ['a/../../outside/planted', 'a/../../outside/planted'],
  ['/planted', '/planted'],
  ['/tmp/planted', '/tmp/planted'],
  ['/proc/self/cwd/planted', '/proc/self/cwd/planted'],
  ['NUL', '\0'],
  ['NUL inside', '../outside\0.txt'],
  ['a line feed', 'a\nb'],
  ['an escape sequence', '\u001b[2J'],
  ['DEL', 'a\u007f'],
  ['a C1 control', 'a\u009b2J'],
  ['256 bytes', 'x'.repeat(256)],
  ['100,000 bytes', 'x'.repeat(100_000)],
  ['.. as bytes', bytes(0x2e, 0x2e)],
  ['a slash among bytes that are no text', bytes(0xff, 0x2f, 0x2e, 0x2e)],
  ['a NUL among bytes that are no text', bytes(0xff, 0x00)],
  ['no bytes', bytes()],
  ['the reserved one', 'Shared'],
  ['a number', 7],
  ['null', null],
  ['a list', ['..']],
];

const names: readonly Mischief[] = impossibleNames.map(([what, name]) => ({
  name: `a name: ${what}`,
  voids: 3,
  commits: () => [commitOf(file(name)), commitOf(directory(name)), commitOf(link(name, '../outside'))],
}));

const links: readonly Mischief[] = [
  ...['/etc/passwd', '/', '..', '../outside', '../outside/precious', '.', '/proc/self/cwd', '\u001b[2J'].map(
    (target, index) => ({
      name: `a link to ${JSON.stringify(target)}, and a file below it`,
      skips: 1,
      lays: { [`way out ${index}`]: `-> ${target}` },
      commits: () => {
        const entry = id();
        return [commitOf(link(`way out ${index}`, target, { entry }), file('planted', { parent: entry }))];
      },
    }),
  ),
  {
    name: 'links without a target, with a NUL in it, with 5,000 bytes',
    voids: 3,
    commits: () => ['', 'a\0b', 'x'.repeat(5000)].map((target) => commitOf(link('link', target))),
  },
  {
    name: 'a directory that becomes a link, and what was below it',
    lays: { turn: 'directory', 'turn/planted': 'file' },
    commits: () => {
      const [first, below, turned, again] = [id(), id(), id(), id()];
      return [
        commitOf(directory('turn', { entry: first }), file('planted', { entry: below, parent: first })),
        {
          operations: [['remove', [first]], link('turn', '../outside', { entry: turned })],
          refs: [dropOf(first, below)],
        },
        {
          operations: [['remove', [turned]], directory('turn', { entry: again })],
          refs: [dropOf(turned)],
        },
        commitOf(file('planted', { parent: again })),
      ];
    },
  },
  {
    name: 'a directory that is put again as a link',
    skips: 1,
    lays: { 'stays a directory': 'directory' },
    commits: () => {
      const entry = id();
      return [
        commitOf(directory('stays a directory', { entry })),
        commitOf(link('stays a directory', '../outside', { entry })),
      ];
    },
  },
];

const places: readonly Mischief[] = [
  {
    name: 'one name twice',
    skips: 3,
    lays: { same: 'file' },
    commits: () => [commitOf(file('same'), file('same'), directory('same')), commitOf(link('same', '../outside'))],
  },
  {
    name: 'a move onto a name that is taken',
    skips: 1,
    lays: { taken: 'directory', 'wants it': 'directory' },
    commits: () => {
      const entry = id();
      return [
        commitOf(directory('taken'), directory('wants it', { entry })),
        commitOf(['move', entry, rootEntry, 'taken']),
      ];
    },
  },
  {
    name: 'a cycle',
    skips: 4,
    lays: { upper: 'directory', 'upper/lower': 'directory' },
    commits: () => {
      const [upper, lower, selfish, mutual] = [id(), id(), id(), id()];
      return [
        commitOf(directory('upper', { entry: upper }), directory('lower', { entry: lower, parent: upper })),
        commitOf(['move', upper, lower, 'upper'], directory('selfish', { entry: selfish, parent: selfish })),
        commitOf(['move', upper, upper, 'upper'], directory('one', { entry: mutual, parent: id() })),
      ];
    },
  },
  {
    name: 'a file as a parent, a parent that nobody knows, entries that nobody knows',
    skips: 4,
    lays: { 'no parent': 'file' },
    commits: () => {
      const [entry, gone] = [id(), id()];
      return [
        commitOf(file('no parent', { entry }), directory('below', { parent: entry })),
        commitOf(directory('lost', { parent: id() }), ['attr', id(), mtime, 0o777]),
        { operations: [['remove', [gone]]], refs: [dropOf(gone)] },
      ];
    },
  },
  {
    name: 'the root renamed, removed, replaced, and its attributes',
    voids: 4,
    commits: () => [
      commitOf(['move', rootEntry, rootEntry, 'root']),
      { operations: [['remove', [rootEntry]]] },
      commitOf(link('root', '../outside', { entry: rootEntry })),
      commitOf(['attr', rootEntry, mtime, 0]),
    ],
  },
  {
    name: 'names that are only odd',
    lays: Object.fromEntries(oddNames().map((name) => [name, 'file'])),
    commits: () => [commitOf(...oddNames().map((name) => file(name)))],
  },
];

function oddNames(): readonly string[] {
  return ['..\\outside', '~', '-rf', '...', '.. ', '%2e%2e%2foutside', 'CON', 'a:b', '.coffer-0123456789abcdef.tmx'];
}

const bodies: readonly Mischief[] = [
  { name: 'a body of noise', voids: 1, commits: () => [{ body: systemRandom.bytes(400) }] },
  { name: 'a body of nothing', voids: 1, commits: () => [{ body: new Uint8Array(0) }] },
  {
    name: 'a body that was sealed for another commit',
    voids: 1,
    commits: () => [{ ...commitOf(directory('misplaced')), misplaced: true }],
  },
  ...(
    [
      ['nothing', new Uint8Array(0)],
      ['text', utf8('[]')],
      ['half a list', encodeCbor([directory('half')]).subarray(0, -9)],
      ['a list and a byte more', Buffer.concat([encodeCbor([]), bytes(0)])],
      ['a map', encodeCbor({ put: 1 })],
      ['an unknown operation', encodeCbor([['explode', id()]])],
      ['an operation of Object.prototype', encodeCbor([['constructor', id()]])],
      ['operations that are no lists', encodeCbor([1, null, 'put'])],
      ['1,001 operations', encodeCbor(Array.from({ length: 1001 }, (_, index) => directory(`many ${index}`)))],
      ['another cutting key', encodeCbor([['init', systemRandom.bytes(32)]])],
      ['lists ten thousand deep', Buffer.concat([Buffer.alloc(10_000, 0x81), bytes(0x80)])],
      ['a list that announces four billion items', bytes(0x9a, 0xff, 0xff, 0xff, 0xff)],
      ['a string that announces 2^53 bytes', bytes(0x81, 0x5b, 0, 0x20, 0, 0, 0, 0, 0, 0)],
      ['a good operation before a bad one', encodeCbor([directory('before a bad one'), directory('..')])],
    ] as const
  ).map(([what, plain]) => ({ name: `operations: ${what}`, voids: 1, commits: () => [{ plain }] })),
];

const references: readonly Mischief[] = [
  {
    name: 'a file without its reference, a reference without its file',
    voids: 2,
    commits: () => [{ operations: [file('unnamed').operation] }, { refs: [refOf(id())] }],
  },
  {
    name: 'a file whose reference names other chunks',
    voids: 1,
    commits: ({ ref }) => {
      const entry = id();
      const operation = ['put', entry, rootEntry, 'chunks', 'file', 10, mtime, 0o644, [[10]]];
      return [{ operations: [operation], refs: [{ ...ref, entry }] }];
    },
  },
  {
    name: 'a removal that the server was not told of, and one that only it was told of',
    voids: 2,
    lays: { survivor: 'file' },
    commits: () => {
      const entry = id();
      return [commitOf(file('survivor', { entry })), { operations: [['remove', [entry]]] }, { refs: [dropOf(entry)] }];
    },
  },
  {
    name: 'an entry put twice in one commit',
    voids: 1,
    commits: () => {
      const entry = id();
      return [commitOf(directory('twice', { entry }), directory('again', { entry }))];
    },
  },
];

/** A file of the stored content, changed. */
function changedFile(
  name: string,
  code: ErrorCode,
  change: (stored: StoredFile) => { readonly size: number; readonly content: readonly unknown[]; readonly ref: PutRef },
): Mischief {
  const entry = id();
  return {
    name,
    fails: [code],
    commits: (stored) => {
      const { size, content, ref } = change(stored);
      const operation = ['put', entry, rootEntry, name, 'file', size, mtime, 0o644, content];
      return [{ operations: [operation], refs: [{ ...ref, entry }] }];
    },
    undo: () => [{ operations: [['remove', [entry]]], refs: [dropOf(entry)] }],
  };
}

const [hashByte, sizeStep] = [0, 100];

const contents: readonly Mischief[] = [
  changedFile('content: another hash', 'INTEGRITY', ({ operation, ref }) => {
    const [first] = operation[8] as readonly (readonly [Uint8Array, number, number, number])[];
    if (first === undefined) throw new TypeError('the stored file is empty');
    const hash = first[0].slice();
    hash[hashByte] = (hash[hashByte] ?? 0) ^ 1;
    return { size: operation[5], content: [[hash, ...first.slice(1)]], ref };
  }),
  changedFile('content: another size', 'INTEGRITY', ({ operation, ref }) => {
    const [first] = operation[8] as readonly (readonly [Uint8Array, number, number, number])[];
    if (first === undefined) throw new TypeError('the stored file is empty');
    return {
      size: operation[5] + sizeStep,
      content: [[first[0], first[1] + sizeStep, first[2], first[3]]],
      ref,
    };
  }),
  changedFile('content: a generation that nobody knows', 'NOT_ALLOWED', ({ operation, ref }) => {
    const [first] = operation[8] as readonly (readonly unknown[])[];
    return { size: operation[5], content: [[...(first ?? []).slice(0, 3), 99]], ref };
  }),
  changedFile('content: a hole of four petabytes', 'IO', ({ ref }) => ({
    size: 2 ** 52,
    content: [[2 ** 52]],
    ref: { ...ref, chunks: [] },
  })),
  deepTree(),
];

/** Nearly as deep as a path of Linux can name (4,096 bytes). */
function deepTree(): Mischief {
  const entries = Array.from({ length: 18 }, id);
  const [top] = entries as [EntryId, ...EntryId[]];
  return {
    name: 'directories nearly as deep as a path can be',
    commits: () => [
      commitOf(
        ...entries.map((entry, depth) =>
          directory('d'.repeat(200), { entry, parent: entries[depth - 1] ?? rootEntry }),
        ),
      ),
    ],
    undo: () => [{ operations: [['remove', [top]]], refs: [dropOf(...entries)] }],
  };
}

/** What is void, skipped, or harmless. */
export const mischief: readonly Mischief[] = [...names, ...links, ...places, ...bodies, ...references];

/** What is well-formed and troubles whoever lays it down. */
export const nuisances: readonly Mischief[] = contents;
