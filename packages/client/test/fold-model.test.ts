import { idKey, rootEntry, sha256, u32 } from '@coffer/core';
import type { AccountId, EntryId, IdKey } from '@coffer/core';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Operation, Ref } from '@coffer/journal';
import type { TreeReader } from '../src/index.ts';
import { formatPath } from '../src/index.ts';
import type { VaultJournal } from '../src/state/vault-journal.ts';
import { pulled, receivedAtMs, TestJournal } from './support/test-journal.ts';
import { TreeModel } from './support/tree-model.ts';

/** Few entries and names, so that they meet all the time. */
const entry = fc.integer({ min: 1, max: 6 }).map((n): EntryId => new Uint8Array(16).fill(n));
const parent = fc.oneof({ weight: 1, arbitrary: fc.constant(rootEntry) }, { weight: 2, arbitrary: entry });
const name = fc.constantFrom('a', 'b', 'c', 'ü');
const time = fc.integer({ min: 0, max: 99 });
const kind = fc.constantFrom('file', 'file', 'directory', 'directory', 'directory', 'symlink', 'mount');

const put = fc
  .tuple(entry, parent, name, kind, time)
  .map(([id, place, text, what, at]) => putOperation({ id, place, text, what, at }));
const move = fc.tuple(entry, parent, name).map(([id, place, text]): Operation => ['move', id, place, text]);
const attr = fc.tuple(entry, time).map(([id, at]): Operation => ['attr', id, [at, 0], 0o600]);
const remove = fc
  .uniqueArray(entry, { minLength: 1, maxLength: 2, selector: idKey })
  .map((ids): Operation => ['remove', ids]);

const step = fc.record({
  operations: fc.array(fc.oneof({ weight: 4, arbitrary: put }, { weight: 2, arbitrary: move }, attr, remove), {
    maxLength: 10,
  }),
  /** Which version an undelete asks for: so many commits back. */
  keepsBack: fc.option(fc.integer({ min: 1, max: 4 })),
});

/** Making keys takes longer than folding. */
const genesisOnly = new TestJournal();

test('the folded tables show what a model of maps shows, now and at every moment before', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), (steps) => {
      const world = genesisOnly.fork();
      const journal = world.reader();
      journal.fold(pulled(world.head), 0);
      const model = new TreeModel();
      const believed = new Map<IdKey, number | null>();
      for (const one of steps) {
        const refs = foldOne({ world, journal, model }, one);
        believe({ believed, refs, seq: world.head.header.seq });
        expect(repairs(journal)).toEqual(differences(believed, model.files()));
      }
      for (let seq = 1; seq <= world.head.header.seq; seq += 1) {
        expect(listing(journal.tree.at(receivedAtMs(seq)))).toEqual(model.listing(seq));
        expect(missedChanges(journal.tree, seq)).toEqual([]);
      }
    }),
    { numRuns: 40 },
  );
});

/** What is not what it was at a position, and in no directory that is said to have changed since, nor below one. */
function missedChanges(tree: TreeReader, seq: number): string[] {
  const changed = new Set([...tree.changedDirectories(seq)].map(formatPath));
  const [before, now] = [new Set(listing(tree.atSeq(seq))), new Set(listing(tree))];
  const lines = [...before.symmetricDifference(now)];
  if (lines.length === 0 && seq === tree.seq) return [...changed];
  return lines.filter((line) => !above(line.split(' ', 1)[0] ?? '').some((path) => changed.has(path)));
}

/** `/a/b/c` → `/a/b`, `/a`, `/`. */
function above(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

interface Worlds {
  readonly world: TestJournal;
  readonly journal: VaultJournal;
  readonly model: TreeModel;
}

function foldOne(
  { world, journal, model }: Worlds,
  { operations, keepsBack }: { operations: readonly Operation[]; keepsBack: number | null },
): readonly Ref[] {
  const seq = world.head.header.seq + 1;
  const { kept, refs, keeps } = legal(operations, { seq, keepsBack, uploader: world.account });
  const commit = world.commit(kept, refs);
  const { skipped, voidCommits } = journal.fold(pulled(commit), seq - 1);
  const expected = model.commit(kept, keeps);
  expect(voidCommits).toBe(0);
  expect(skipped.map((one) => idKey(one.entry))).toEqual(expected);
  expect(listing(journal.tree)).toEqual(model.listing());
  return refs;
}

/** What a server makes of refs, which it cannot compare with operations. */
function believe({
  believed,
  refs,
  seq,
}: {
  believed: Map<IdKey, number | null>;
  refs: readonly Ref[];
  seq: number;
}): void {
  for (const ref of refs) {
    if (ref.kind === 'put') believed.set(idKey(ref.entry), seq);
    if (ref.kind === 'keep') believed.set(idKey(ref.entry), ref.seq);
    if (ref.kind === 'drop') for (const id of ref.entries) believed.set(idKey(id), null);
  }
}

/** Lines `keep ENTRY SEQ` and `drop ENTRY`, sorted. */
function repairs(journal: VaultJournal): string[] {
  const { keeps, drops } = journal.repairs(10_000);
  return [
    ...keeps.map((one) => `keep ${idKey(one.entry)} ${one.seq}`),
    ...[...drops.removed, ...drops.moved].map((id) => `drop ${idKey(id)}`),
  ].toSorted();
}

function differences(believed: ReadonlyMap<IdKey, number | null>, files: ReadonlyMap<IdKey, number | null>): string[] {
  const lines: string[] = [];
  for (const key of new Set([...believed.keys(), ...files.keys()])) {
    const truth = files.get(key) ?? null;
    if ((believed.get(key) ?? null) === truth) continue;
    lines.push(truth === null ? `drop ${key}` : `keep ${key} ${truth}`);
  }
  return lines.toSorted();
}

/** What the server would let pass: one word for each entry, and refs that match. */
function legal(
  operations: readonly Operation[],
  { seq, keepsBack, uploader }: { seq: number; keepsBack: number | null; uploader: AccountId },
) {
  const [seen, puts] = [new Set<IdKey>(), new Set<IdKey>()];
  const refs: Ref[] = [];
  const keeps = new Map<IdKey, number>();
  const drops = { removed: [] as EntryId[], moved: [] as EntryId[] };
  const kept = operations.filter((operation) => {
    const entries = named(operation, keepsBack !== null);
    if (entries.some((id) => seen.has(idKey(id)))) return false;
    if (operation[0] === 'put' && puts.has(idKey(operation[1]))) return false;
    if (operation[0] === 'put') puts.add(idKey(operation[1]));
    for (const id of entries) seen.add(idKey(id));
    if (operation[0] === 'remove') drops.removed.push(...operation[1]);
    if (operation[0] === 'put' && operation[4] === 'mount') drops.moved.push(operation[1]);
    if (operation[0] === 'put' && operation[4] === 'file') refs.push(refOf(operation, uploader));
    if (operation[0] === 'move' && keepsBack !== null && seq - keepsBack >= 1) {
      keeps.set(idKey(operation[1]), seq - keepsBack);
      refs.push({ kind: 'keep', entry: operation[1], seq: seq - keepsBack });
    }
    return true;
  });
  if (drops.removed.length > 0) refs.push({ kind: 'drop', entries: drops.removed, reason: 'removed' });
  if (drops.moved.length > 0) refs.push({ kind: 'drop', entries: drops.moved, reason: 'moved' });
  return { kept, refs, keeps };
}

/** Entries that one commit may name once; folders, links, and moves without a keep have no ref. */
function named(operation: Operation, isKept: boolean): readonly EntryId[] {
  if (operation[0] === 'remove') return operation[1];
  const hasRef = operation[0] === 'put' ? operation[4] === 'file' || operation[4] === 'mount' : isKept;
  return hasRef && (operation[0] === 'put' || operation[0] === 'move') ? [operation[1]] : [];
}

function putOperation({
  id,
  place,
  text,
  what,
  at,
}: {
  id: EntryId;
  place: EntryId;
  text: string;
  what: string;
  at: number;
}): Operation {
  const content = what === 'file' ? [[sha256(u32(at)), 10, 64, 0] as const] : [];
  const fields = ['put', id, place, text, what, what === 'file' ? 10 : 0, [at, 0], 0o644, content] as const;
  if (what === 'symlink') return [...fields, 'target'] as unknown as Operation;
  return (what === 'mount' ? [...fields, new Uint8Array(32)] : fields) as unknown as Operation;
}

function refOf(operation: Extract<Operation, readonly ['put', ...unknown[]]>, uploader: AccountId): Ref {
  return {
    kind: 'put',
    entry: operation[1],
    chunks: [{ uploader, ids: sha256(operation[1]) }],
    segments: new Uint8Array(0),
  };
}

function listing(tree: TreeReader): string[] {
  return [...tree.walk(rootEntry)]
    .filter(({ path }) => path.length > 0)
    .map(({ path, entry: { kind: what, mtime, seq } }) => `${formatPath(path)} ${what} ${mtime[0]} ${seq}`)
    .toSorted();
}
