import { encodeCbor, idKey, rootEntry, systemRandom, utf8 } from '@coffer/core';
import type { CofferError } from '@coffer/core';
import { describe, expect, test } from '@jest/globals';
import { ed25519KeyPair } from '@coffer/crypto';
import { makeCommit } from '@coffer/journal';
import type { Commit, Operation, Ref, VaultKind } from '@coffer/journal';
import { displayName, formatPath } from '../src/index.ts';
import type { TreeReader } from '../src/index.ts';
import type { VaultJournal } from '../src/state/vault-journal.ts';
import { directory, dropRef, entryId, file, fileRef } from './support/operations.ts';
import { pulled, receivedAtMs, TestJournal } from './support/test-journal.ts';

const [a, b, c] = [entryId(1), entryId(2), entryId(3)];

describe('the tree', () => {
  test('a folder that comes back takes children again, in the same commit', () => {
    const { world, journal, add } = begin();
    add([directory(a, { name: 'a' }), directory(b, { name: 'b', parent: a })], []);
    add([['remove', [a]]], [dropRef(a)]);
    const { skipped } = add(
      [file(c, { parent: b }), ['move', a, rootEntry, 'a'], file(entryId(4), { parent: b })],
      [fileRef(c, world.account), fileRef(entryId(4), world.account)],
    );
    expect(skipped).toEqual([{ entry: c, reason: 'no such parent' }]);
    expect(paths(journal.tree)).toEqual(['/a', '/a/b', '/a/b/file']);
  });

  test('versions are numbered from 1, newest first, and old ones stay readable', () => {
    const { world, journal, add } = begin();
    for (const content of [1, 2, 3]) add([file(a, { content })], [fileRef(a, world.account)]);
    const versions = journal.tree.versions(a);
    expect(versions.map(({ version, seq, current }) => ({ version, seq, current }))).toEqual([
      { version: 3, seq: 4, current: true },
      { version: 2, seq: 3, current: false },
      { version: 1, seq: 2, current: false },
    ]);
    expect(new Set(versions.map(({ contentHash }) => contentHash?.join())).size).toBe(3);
    expect(journal.tree.at(receivedAtMs(3)).get(a)?.version).toBe(2);
  });

  test('what is removed is listed with its old path, and not what lay below it', () => {
    const { world, journal, add } = begin();
    add([directory(a, { name: 'a' }), file(b, { parent: a })], [fileRef(b, world.account)]);
    add([['remove', [a]]], [dropRef(a)]);
    const [gone, ...more] = journal.tree.deleted();
    expect(more).toEqual([]);
    expect(gone).toMatchObject({ removedSeq: 3, removedAtMs: receivedAtMs(3), kind: 'directory', path: ['a'] });
    expect(journal.tree.at(receivedAtMs(2)).deleted()).toEqual([]);
    expect(journal.tree.get(b)).toBeUndefined();
  });

  test('an undelete needs the version it brings back', () => {
    const { world, journal, add } = begin();
    add([file(a, { content: 1 })], [fileRef(a, world.account)]);
    add([file(a, { content: 2 })], [fileRef(a, world.account)]);
    add([['remove', [a]]], [dropRef(a)]);
    expect(add([['move', a, rootEntry, 'file']], []).skipped).toMatchObject([{ reason: 'nothing to keep' }]);
    add([['move', a, rootEntry, 'file']], [{ kind: 'keep', entry: a, seq: 2 }]);
    expect(journal.tree.get(a)).toMatchObject({ version: 1, seq: 2 });
  });

  test('names that are no text are kept, found and shown escaped', () => {
    const name = Uint8Array.of(0x66, 0xff, 0x6f);
    const { world, journal, add } = begin();
    add(
      [file(a, { name }), file(b, { name: 'f0' }), file(c, { name: 'zz' })],
      [a, b, c].map((id) => fileRef(id, world.account)),
    );
    expect(journal.tree.children(rootEntry).map((entry) => displayName(entry.name))).toEqual(['f0', 'f\\xffo', 'zz']);
    expect([...journal.tree.eachChild(rootEntry)].map(({ key }) => key)).toEqual([b, a, c].map(idKey));
    expect(journal.tree.lookup([name])?.entry).toEqual(a);
    expect(journal.tree.lookup('/f\\xffo')?.name).toEqual(name);
  });

  test('finding ignores letter case, and takes * and ?', () => {
    const { journal, add } = begin();
    add(
      [directory(a, { name: 'Photos' }), directory(b, { name: 'photo', parent: a }), directory(c, { name: 'x' })],
      [],
    );
    const found = (query: string): string[] => [...journal.tree.find(query)].map(({ path }) => formatPath(path));
    expect(found('PHOTO')).toEqual(['/Photos', '/Photos/photo']);
    expect(found('p*o')).toEqual(['/Photos/photo']);
    expect(found('?')).toEqual(['/x']);
  });
});

describe('what came back', () => {
  test('a folder that is put again brings its files back, and the server is told to keep them', () => {
    const { world, journal, add } = begin();
    add([directory(a), file(b, { parent: a })], [fileRef(b, world.account)]);
    add([['remove', [a]]], [dropRef(a, b)]);
    expect(journal.repairs(10)).toEqual({ keeps: [], drops: { removed: [], moved: [] } });
    add([directory(a)], []);
    expect(paths(journal.tree)).toEqual(['/folder', '/folder/file']);
    expect(journal.repairs(10).keeps).toEqual([{ entry: b, seq: 2 }]);
  });

  test('what came and went within one commit was never there, but its kind is taken', () => {
    const { world, journal, add } = begin();
    add([directory(a), ['remove', [a]]], [dropRef(a)]);
    expect(journal.tree.deleted()).toEqual([]);
    expect(add([file(a)], [fileRef(a, world.account)]).skipped).toEqual([{ entry: a, reason: 'kind changed' }]);
    add([directory(a)], []);
    expect(paths(journal.tree)).toEqual(['/folder']);
  });
});

describe('void commits', () => {
  const cases: readonly (readonly [string, (world: TestJournal) => Commit])[] = [
    ['a body that is no list', (world) => world.commit([], [], { body: utf8('nonsense') })],
    ['an unknown operation', (world) => world.commit([], [], { body: encodeCbor([['explode']]) })],
    ['a put without its ref', (world) => world.commit([file(b)], [])],
    ['a ref without its put', (world) => world.commit([], [fileRef(b, world.account)])],
    ['a drop of what is still there', (world) => world.commit([directory(b)], [dropRef(a)])],
    ['a reserved name', (world) => world.commit([directory(b, { name: 'Shared' })], [])],
  ];

  test.each(cases)('%s changes nothing, is told, and does not stop the journal', (_name, write) => {
    const { world, journal, add } = begin();
    add([file(a)], [fileRef(a, world.account)]);
    const bad = write(world);
    const report = journal.fold(pulled(bad), bad.header.seq - 1);
    expect(report).toMatchObject({ voidCommits: 1, skippedOperations: 0 });
    expect(report.authors).toMatchObject([{ account: world.account, device: world.device, seq: 3 }]);
    expect(paths(journal.tree)).toEqual(['/file']);
    add([directory(c)], []);
    expect(paths(journal.tree)).toEqual(['/file', '/folder']);
  });

  test('the next writer is told what the server believes wrongly', () => {
    const { world, journal, add } = begin();
    add([file(a, { content: 1 })], [fileRef(a, world.account)]);
    const bad = world.commit([], [fileRef(a, world.account), fileRef(b, world.account)]);
    journal.fold(pulled(bad), 2);
    const { keeps, drops } = journal.repairs(10);
    expect(keeps).toEqual([{ entry: a, seq: 2 }]);
    expect(drops).toEqual({ removed: [b], moved: [] });
    add([], [{ kind: 'keep', entry: a, seq: 2 }, dropRef(b)]);
    expect(journal.repairs(10)).toEqual({ keeps: [], drops: { removed: [], moved: [] } });
  });
});

describe('a server that lies', () => {
  test('a commit that does not follow the head is ROLLBACK', () => {
    const { world, journal, add } = begin();
    const other = world.draft([directory(a)], []);
    add([directory(b)], []);
    const next = world.draft([], [], { header: { prev: other.hash } });
    expectCode(() => journal.fold(pulled(next), 2), 'ROLLBACK');
    expectCode(() => journal.fold(pulled(other), 1), 'ROLLBACK');
    expect(paths(journal.tree)).toEqual(['/folder']);
  });

  test('tables that were lost are folded again only as the pin remembers', () => {
    const world = new TestJournal();
    const seen = world.commit([directory(a)], []);
    const pin = { seq: 2, hash: seen.hash, epoch: 0 };
    expect(world.reader(pin).fold(pulled(...world.commits), 0)).toMatchObject({ voidCommits: 0 });
    const [genesis] = world.commits;
    world.commits.pop();
    const forged = world.draft([directory(b)], []);
    expectCode(() => world.reader(pin).fold(pulled(...(genesis ? [genesis] : []), forged), 0), 'ROLLBACK');
  });

  test('a vault of somebody else, or one that was not made to be home, is INTEGRITY', () => {
    const [world, stranger] = [new TestJournal(), new TestJournal()];
    // As if the stranger's chain were known, which it is once something was shared with them.
    world.chains.append(stranger.account, stranger.statements);
    const share = genesisOf(world, 'share');
    expect(opened(world).state?.kind).toBe('home');
    for (const genesis of [genesisOf(stranger, 'home'), share]) {
      const journal = world.reader(undefined, genesis.vault);
      expectCode(() => journal.fold(pulled(genesis), 0), 'INTEGRITY');
      expect(journal.state).toBeUndefined();
    }
  });

  const refusals: readonly (readonly [string, (world: TestJournal) => readonly Commit[]])[] = [
    ['a repeated commit', (world) => [world.commit([directory(a)], []), world.head]],
    [
      'a missing commit',
      (world) => [world.commit([directory(a)], []), world.commit([], []), world.commit([], [])].toSpliced(1, 1),
    ],
    ['commits in another order', (world) => [world.commit([directory(a)], []), world.commit([], [])].toReversed()],
    ['a commit of another vault', (world) => [world.draft([], [], { header: { vault: new Uint8Array(32).fill(1) } })]],
    [
      'a commit of an unknown device',
      (world) => [world.draft([], [], { header: { device: new Uint8Array(16).fill(9) } })],
    ],
    ['a commit in another epoch', (world) => [world.draft([], [], { header: { epoch: 1 } })]],
  ];

  test.each(refusals)('%s is INTEGRITY, and nothing of it is kept', (_name, write) => {
    const { world, journal } = begin();
    expectCode(() => journal.fold(pulled(...write(world)), 1), 'INTEGRITY');
    expect(journal.state?.seq).toBe(1);
    expect(paths(journal.tree)).toEqual([]);
  });

  test('one changed byte anywhere in a commit is refused', () => {
    const { world } = begin();
    const { bytes } = world.commit([directory(a)], []);
    for (let trial = 0; trial < 60; trial += 1) {
      const journal = opened(world);
      const changed = Uint8Array.from(bytes);
      const at = new DataView(systemRandom.bytes(4).buffer).getUint32(0) % changed.byteLength;
      changed[at] = (changed[at] ?? 0) ^ (1 << (trial % 8));
      expectCode(
        () => journal.fold([{ bytes: changed, receivedAtMs: 0 }], 1),
        'INTEGRITY',
        'UPGRADE_REQUIRED',
        'ROLLBACK',
      );
      expect(journal.state?.seq).toBe(1);
    }
  });
});

function begin() {
  const world = new TestJournal();
  const journal = opened(world);
  const add = (operations: readonly Operation[], refs: readonly Ref[]) => {
    const commit = world.commit(operations, refs);
    return journal.fold(pulled(commit), commit.header.seq - 1);
  };
  return { world, journal, add };
}

function opened(world: TestJournal): VaultJournal {
  const journal = world.reader();
  journal.fold(pulled(...world.commits.slice(0, 1)), 0);
  return journal;
}

function paths(tree: TreeReader): string[] {
  return [...tree.walk(rootEntry)].map(({ path }) => formatPath(path)).slice(1);
}

function expectCode(work: () => unknown, ...codes: readonly CofferError['code'][]): void {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  expect(codes).toContain((thrown as CofferError | undefined)?.code);
}

/** The beginning of a vault of that kind, signed by its owner. */
function genesisOf({ commits, secrets }: TestJournal, kind: VaultKind): Commit {
  const [home] = commits;
  if (home === undefined) throw new TypeError('a journal begins with its genesis');
  const { bodyHash: _hash, ...header } = home.header;
  const refs = header.refs.map((ref) => (ref.kind === 'genesis' ? { ...ref, vaultKind: kind } : ref));
  return makeCommit({ header: { ...header, refs }, body: home.body, sign: ed25519KeyPair(secrets.identitySeed).sign });
}
