import { concatBytes, rootEntry } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { matchOperations, noIds } from '@coffer/journal';
import type { Content, DropRef, Operation, PutRef, Ref, VaultKind } from '@coffer/journal';
import { outcome } from './expect-code.ts';

const fill = (length: number, value: number) => new Uint8Array(length).fill(value);
const entry = fill(16, 1);
const other = fill(16, 2);
const owner = fill(16, 9);
const [a, b] = [fill(32, 10), fill(32, 11)];
const key = fill(32, 12);

const home = (ph: Uint8Array, g = 1) => [ph, 5, 50, g] as const;
const shared = (id: Uint8Array, uploader = owner) => [fill(32, 0), 5, 50, uploader, id, key] as const;
const file = (content: Content, id = entry): Operation => [
  'put',
  id,
  rootEntry,
  'n',
  'file',
  0,
  [1, 0],
  0o644,
  content,
];
const mount: Operation = ['put', entry, rootEntry, 'm', 'mount', 0, [1, 0], 0o755, [], fill(32, 4)];
const directory: Operation = ['put', entry, rootEntry, 'd', 'directory', 0, [1, 0], 0o755, []];
const putRef = (ids: readonly Uint8Array[], segments: readonly Uint8Array[] = []): PutRef => ({
  kind: 'put',
  entry,
  chunks: ids.length === 0 ? [] : [{ uploader: owner, ids: concatBytes(...ids) }],
  segments: segments.length === 0 ? noIds : concatBytes(...segments),
});
const drop = (reason: DropRef['reason'], ...entries: Uint8Array[]): DropRef => ({ kind: 'drop', entries, reason });
const seg = (...ids: Uint8Array[]): Content => ['seg', ids.map((id) => [id, home(a), 5000, 1000] as const)];

interface Case {
  readonly refs?: readonly Ref[];
  readonly operations?: readonly Operation[];
  readonly kind?: VaultKind;
  readonly genesis?: boolean;
}

function match({ refs = [], operations = [], kind = 'home', genesis = false }: Case) {
  return matchOperations(refs, operations, { kind, genesis });
}

describe('operations and references', () => {
  test.each<[string, Case, string]>([
    ['nothing', {}, 'accepted'],
    ['a file', { refs: [putRef([a])], operations: [file([home(a)])] }, 'accepted'],
    ['an empty file', { refs: [putRef([])], operations: [file([])] }, 'accepted'],
    ['a file of holes', { refs: [putRef([])], operations: [file([[9]])] }, 'accepted'],
    ['one chunk twice', { refs: [putRef([b])], operations: [file([home(a), home(a)])] }, 'accepted'],
    [
      'one chunk of two dedup secrets',
      { refs: [putRef([a, b])], operations: [file([home(a), home(a, 2)])] },
      'accepted',
    ],
    ['a put without a reference', { operations: [file([home(a)])] }, 'INVALID'],
    ['a reference without a put', { refs: [putRef([a])] }, 'INVALID'],
    ['a reference for another entry', { refs: [putRef([a])], operations: [file([home(a)], other)] }, 'INVALID'],
    ['too few chunks in the reference', { refs: [putRef([a])], operations: [file([home(a), home(b)])] }, 'INVALID'],
    ['too many chunks in the reference', { refs: [putRef([a, b])], operations: [file([home(a)])] }, 'INVALID'],
    ['an entry put twice', { refs: [putRef([a])], operations: [file([home(a)]), file([home(a)])] }, 'INVALID'],
    ['a reference for a directory', { refs: [putRef([])], operations: [directory] }, 'INVALID'],
    ['a directory', { operations: [directory] }, 'accepted'],
    ['segments', { refs: [putRef([], [a, b])], operations: [file(seg(a, b))] }, 'accepted'],
    ['a segment twice', { refs: [putRef([], [a])], operations: [file(seg(a, a))] }, 'accepted'],
    ['another segment', { refs: [putRef([], [b])], operations: [file(seg(a))] }, 'INVALID'],
    ['a segment missing', { refs: [putRef([], [a])], operations: [file(seg(a, b))] }, 'INVALID'],
    ['segments and chunks', { refs: [putRef([a], [a])], operations: [file(seg(a))] }, 'INVALID'],
    ['chunks, but segments in the reference', { refs: [putRef([], [a])], operations: [file([home(a)])] }, 'INVALID'],
    [
      'shared chunks',
      { kind: 'share', refs: [putRef([a, b])], operations: [file([shared(b), shared(a)])] },
      'accepted',
    ],
    [
      'shared chunks of another uploader',
      { kind: 'share', refs: [putRef([a])], operations: [file([shared(a, other)])] },
      'INVALID',
    ],
    ['another shared chunk', { kind: 'share', refs: [putRef([a])], operations: [file([shared(b)])] }, 'INVALID'],
    ['home tuples in a share', { kind: 'share', refs: [putRef([a])], operations: [file([home(a)])] }, 'INVALID'],
    ['home segments in a share', { kind: 'share', refs: [putRef([], [a])], operations: [file(seg(a))] }, 'INVALID'],
    ['shared tuples at home', { refs: [putRef([a])], operations: [file([shared(a)])] }, 'INVALID'],
    ['holes in a share', { kind: 'share', refs: [putRef([])], operations: [file([[7]])] }, 'accepted'],
    ['a removal', { refs: [drop('removed', entry)], operations: [['remove', [entry]]] }, 'accepted'],
    ['a removal without its drop', { operations: [['remove', [entry]]] }, 'INVALID'],
    ['a removal that says moved', { refs: [drop('moved', entry)], operations: [['remove', [entry]]] }, 'INVALID'],
    ['a removal twice', { refs: [drop('removed', entry)], operations: [['remove', [entry, entry]]] }, 'INVALID'],
    ['a mount', { refs: [drop('moved', entry)], operations: [mount] }, 'accepted'],
    ['a mount without its drop', { operations: [mount] }, 'INVALID'],
    ['a mount in a share', { kind: 'share', refs: [drop('moved', entry)], operations: [mount] }, 'INVALID'],
    ['a keep alone', { refs: [{ kind: 'keep', entry, seq: 1 }] }, 'accepted'],
    ['a move alone', { operations: [['move', entry, rootEntry, 'x']] }, 'accepted'],
    [
      'Shared in the root',
      { operations: [['put', entry, rootEntry, 'Shared', 'directory', 0, [1, 0], 0, []]] },
      'INVALID',
    ],
    ['a move to Shared in the root', { operations: [['move', entry, rootEntry, 'Shared']] }, 'INVALID'],
    ['Shared elsewhere', { operations: [['move', entry, other, 'Shared']] }, 'accepted'],
    ['a genesis', { genesis: true, operations: [['init', key]] }, 'accepted'],
    ['a genesis without its key', { genesis: true }, 'INVALID'],
    [
      'a genesis with two keys',
      {
        genesis: true,
        operations: [
          ['init', key],
          ['init', key],
        ],
      },
      'INVALID',
    ],
    ['a genesis with a file', { genesis: true, operations: [['init', key], directory] }, 'INVALID'],
    ['a cutting key later', { operations: [['init', key]] }, 'INVALID'],
    ['the genesis of a team', { kind: 'team', genesis: true, operations: [['init', key], directory] }, 'accepted'],
    ['the genesis of a team without a name', { kind: 'team', genesis: true, operations: [['init', key]] }, 'INVALID'],
    [
      'the genesis of a team with two names',
      { kind: 'team', genesis: true, operations: [['init', key], directory, directory] },
      'INVALID',
    ],
    ['a file in a team', { kind: 'team', operations: [directory] }, 'INVALID'],
  ])('%s', (_name, options, expected) => {
    expect(outcome(() => match(options))).toBe(expected);
  });

  test('drops without an operation are handed to the fold, which knows what is reachable', () => {
    const refs = [drop('removed', entry, other), drop('moved', owner)];
    expect(match({ refs, operations: [['remove', [entry]]] })).toEqual({ drops: [other, owner] });
  });
});
