import { idKey, rootEntry, sha256, systemClock, systemRandom, u32 } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { ChunkKeys } from '@coffer/crypto';
import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { findRemoved, formatPath, restoreEntries, splitPath, undeleteEntry } from '../src/index.ts';
import type { CommitBatch, EntryName, TreeReader, UploadedContent } from '../src/index.ts';
import type { VaultJournal } from '../src/state/vault-journal.ts';
import { hashContent } from '../src/state/stored-content.ts';
import { refsOf } from '../src/vaults/commit-items.ts';
import { JournalBatch } from '../src/vaults/journal-batch.ts';
import { pulled, TestJournal } from './support/test-journal.ts';

// Every step seals and folds a commit.
jest.setTimeout(900_000);

/** Path to the number of its content; -1 for a folder. */
type Listing = ReadonlyMap<string, number>;

/** Listings by position, as a person would have written them down. */
interface Model {
  past: (Listing | undefined)[];
  now: Map<string, number>;
  /** Contents that were ever there. */
  written: number;
}

const genesisOnly = new TestJournal();

class Real {
  readonly world = genesisOnly.fork();
  readonly journal: VaultJournal = this.world.reader();

  constructor() {
    this.journal.fold(pulled(this.world.head), 0);
  }

  get tree(): TreeReader {
    return this.journal.tree;
  }

  async change(work: (batch: CommitBatch) => Promise<unknown>): Promise<void> {
    await using batch = new JournalBatch(
      {
        tree: this.tree,
        kind: 'home',
        account: this.world.account,
        keys: new Map([[0, ChunkKeys.from(new Uint8Array(32))]]),
        clock: systemClock,
        random: systemRandom,
        repair: () => Promise.resolve([]),
        history: { explain: (_version, error) => Promise.resolve(error), expiry: () => Promise.resolve(undefined) },
        has: () => Promise.reject(new TypeError('nothing is asked here')),
        append: async (items) => {
          const operations = items.map(({ operation }) => operation);
          const commit = this.world.commit(operations, refsOf(items));
          const folded = this.journal.fold(pulled(commit), commit.header.seq - 1);
          if (folded.voidCommits + folded.skippedOperations > 0) throw new Error('an operation did not fit');
          return { seq: commit.header.seq, receivedAtMs: 0, entries: [], refused: [] };
        },
      },
      {},
    );
    await work(batch);
    await batch.commit();
  }

  parent(path: string): { parent: EntryId; name: EntryName } {
    const names = splitPath(path);
    const parent = this.tree.lookup(names.slice(0, -1));
    if (parent === undefined) throw new TypeError(`nothing above ${path}`);
    return { parent: parent.entry, name: names.at(-1) ?? '' };
  }

  listing(tree: TreeReader = this.tree): Map<string, number> {
    const list = new Map<string, number>();
    for (const { path, entry } of tree.walk(rootEntry)) {
      if (path.length > 0) list.set(formatPath(path), entry.kind === 'directory' ? -1 : entry.mtime[0]);
    }
    return list;
  }
}

type Command = fc.AsyncCommand<Model, Real>;

function isAbove(above: string, path: string): boolean {
  return path.startsWith(`${above}/`);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function hasParent({ now }: Model, path: string): boolean {
  const parent = parentOf(path);
  return parent === '' || now.get(parent) === -1;
}

/** What every command ends with: the fold shows the model, now and at every position before. */
function settle(model: Model, real: Real): void {
  expect(real.listing()).toEqual(model.now);
  model.past[real.tree.seq] = new Map(model.now);
  const some = Math.floor(real.tree.seq / 2);
  // A change may take several commits, and shows what was meant only after the last.
  const known = model.past[some];
  if (known !== undefined) expect(real.listing(real.tree.atSeq(some))).toEqual(known);
}

function put(path: string): Command {
  return {
    check: (model) => hasParent(model, path) && model.now.get(path) !== -1,
    run: async (model, real) => {
      const number = (model.written += 1);
      const entry = real.tree.lookup(path)?.entry;
      const place = { ...real.parent(path), mtime: [number, 0] as const, mode: 0o644, content: contentOf(number) };
      await real.change((batch) => batch.putFile(entry === undefined ? place : { ...place, entry }));
      model.now.set(path, number);
      settle(model, real);
    },
    toString: () => `put ${path}`,
  };
}

function makeDirectory(path: string): Command {
  return {
    check: (model) => hasParent(model, path) && !model.now.has(path),
    run: async (model, real) => {
      await real.change((batch) => batch.makeDirectory({ ...real.parent(path), mtime: [0, 0], mode: 0o755 }));
      model.now.set(path, -1);
      settle(model, real);
    },
    toString: () => `mkdir ${path}`,
  };
}

function remove(path: string): Command {
  return {
    check: ({ now }) => now.has(path),
    run: async (model, real) => {
      const entry = real.tree.lookup(path)?.entry ?? rootEntry;
      await real.change((batch) => batch.remove([entry]));
      for (const one of model.now.keys()) if (one === path || isAbove(path, one)) model.now.delete(one);
      settle(model, real);
    },
    toString: () => `rm ${path}`,
  };
}

function move(from: string, to: string): Command {
  return {
    check: (model) =>
      model.now.has(from) && !model.now.has(to) && hasParent(model, to) && from !== to && !isAbove(from, to),
    run: async (model, real) => {
      const entry = real.tree.lookup(from)?.entry ?? rootEntry;
      await real.change((batch) => batch.move(entry, real.parent(to)));
      for (const [one, number] of new Map(model.now)) {
        if (one !== from && !isAbove(from, one)) continue;
        model.now.delete(one);
        model.now.set(to + one.slice(from.length), number);
      }
      settle(model, real);
    },
    toString: () => `mv ${from} ${to}`,
  };
}

function undelete(path: string): Command {
  return {
    check: (model) => !model.now.has(path) && hasParent(model, path),
    run: async (model, real) => {
      const removed = findRemoved(real.tree, path);
      if (removed === undefined) return;
      const was = real.listing(removed.before);
      // What was taken out of the folder since, or is back already, is where it is now.
      const isElsewhere = (one: string): boolean => {
        const entry = removed.before.lookup(one);
        return entry === undefined || real.tree.get(entry.entry) !== undefined;
      };
      for (const [one, number] of was) {
        const isOwn = one === path || isAbove(path, one);
        const above = [...was.keys()].filter((other) => other === one || isAbove(other, one));
        if (isOwn && !above.filter((other) => other === path || isAbove(path, other)).some(isElsewhere))
          model.now.set(one, number);
      }
      const names = splitPath(path);
      await real.change((batch) => undeleteEntry({ batch, now: real.tree, was: removed.before, names, nowMs: 0 }));
      settle(model, real);
    },
    toString: () => `undelete ${path}`,
  };
}

function restoreAt(path: string, share: number): Command {
  return {
    check: () => true,
    run: async (model, real) => {
      const seq = Math.max(1, Math.floor(real.tree.seq * share));
      const was = real.tree.atSeq(seq);
      const names = splitPath(path);
      if (was.lookup(names) === undefined) return;
      const before = real.tree.atSeq(real.tree.seq);
      const blocked = path !== '' && blockedAbove(model, path);
      const run = async () => {
        let report;
        await real.change(async (batch) => {
          report = await restoreEntries({ batch, now: real.tree, was, names, nowMs: 0 });
        });
        return report as unknown as Awaited<ReturnType<typeof restoreEntries>>;
      };
      if (blocked) return expectInvalid(run());
      const report = await run();
      model.now = real.listing();
      expectRestored(real, { now: model.now, before, was, path, beside: report.beside });
      settle(model, real);
      if (report.beside > 0) return;
      const again = await run();
      expect(again).toMatchObject({ undeleted: 0, changed: 0, moved: 0, copied: 0, beside: 0 });
      model.now = real.listing();
      settle(model, real);
    },
    toString: () => `restore ${path || '/'} at ${share}`,
  };
}

async function expectInvalid(work: Promise<unknown>): Promise<void> {
  await expect(work).rejects.toMatchObject({ code: 'INVALID' });
}

function blockedAbove({ now }: Model, path: string): boolean {
  const names = splitPath(path);
  return names.some((_, index) => index > 0 && (now.get(formatPath(names.slice(0, index))) ?? -1) !== -1);
}

/** What was there then is there again; entries that came later are live still, and unchanged but for a version at such a path. */
function expectRestored(
  { tree }: Real,
  {
    now,
    before,
    was,
    path,
    beside,
  }: { now: Listing; before: TreeReader; was: TreeReader; path: string; beside: number },
): void {
  const values = [...now.values()];
  const wanted = [...was.walk(was.lookup(path)?.entry ?? rootEntry)];
  const known = new Set(wanted.map(({ entry }) => idKey(entry.entry)));
  for (const { path: names, entry } of wanted) {
    const at = path + (names.length === 0 ? '' : formatPath(names));
    const number = entry.kind === 'directory' ? -1 : entry.mtime[0];
    if (beside > 0) expect(values).toContain(number);
    else if (at !== '') expect([at, now.get(at)]).toEqual([at, number]);
  }
  for (const { entry } of before.walk(rootEntry)) {
    // At a path that had a file then, where it is by now: also by a folder around it that was renamed back.
    const isOverwritten = was.lookup(tree.path(entry.entry) ?? [])?.kind === 'file';
    if (!known.has(idKey(entry.entry)) && !isOverwritten) expect(tree.get(entry.entry)?.seq).toBe(entry.seq);
  }
}

/** One chunk that stands for the number. */
function contentOf(number: number): UploadedContent {
  const content = [[sha256(u32(number)), 10, 64, 0] as const];
  return {
    content,
    chunks: [sha256(u32(number))],
    segments: [],
    size: 10,
    contentHash: hashContent(content),
    bytesSent: 0,
    mtime: [number, 0],
    mode: 0o644,
  };
}

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const share = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);

const commands = fc.commands(
  [
    path.map(put),
    path.map(put),
    path.map(makeDirectory),
    path.map(makeDirectory),
    path.map(remove),
    path.map(undelete),
    fc.tuple(path, path).map(([from, to]) => move(from, to)),
    fc.tuple(fc.oneof(path, fc.constant('')), share).map(([at, when]) => restoreAt(at, when)),
  ],
  { size: '+1' },
);

test('whatever was changed, removed and renamed: undelete and restore at a time bring it back, and lose nothing', async () => {
  const holds = fc.assert(
    fc.asyncProperty(commands, async (run) => {
      const setup = () => ({
        model: { past: [new Map(), new Map()], now: new Map(), written: 0 } as Model,
        real: new Real(),
      });
      await fc.asyncModelRun(setup, run);
    }),
    { numRuns: Number(process.env['COFFER_RESTORE_HISTORIES'] ?? 60) },
  );
  await expect(holds).resolves.toBeUndefined();
});

test('a file that stands for another path by now keeps that place', async () => {
  const before = [makeDirectory('/f'), makeDirectory('/f/d'), put('/f/d/x'), put('/f/y')];
  const after = [remove('/f/d/x'), move('/f/d', '/f/m'), move('/f/y', '/f/m/x')];
  // Five of the eight commits by then.
  const restoring = restoreAt('/f', 5 / 8);
  const [model, real]: [Model, Real] = [{ past: [new Map(), new Map()], now: new Map(), written: 0 }, new Real()];
  for (const step of [...before, ...after, restoring]) await step.run(model, real);
  expect(Object.fromEntries(model.now)).toMatchObject({ '/f/d/x': 1, '/f/y': 2 });
});

test('ids of entries survive an undelete', async () => {
  const real = new Real();
  await real.change((batch) => batch.makeDirectory({ ...real.parent('/a'), mtime: [0, 0], mode: 0o755 }));
  const before = real.tree.lookup('/a')?.entry ?? rootEntry;
  await real.change((batch) => batch.remove([before]));
  const removed = findRemoved(real.tree, '/a');
  expect(removed?.removedSeq).toBe(real.tree.seq);
  expect(real.tree.removedSeq(before)).toBe(real.tree.seq);
  const was = removed?.before ?? real.tree;
  await real.change((batch) => undeleteEntry({ batch, now: real.tree, was, names: ['a'], nowMs: 0 }));
  expect(idKey(real.tree.lookup('/a')?.entry ?? rootEntry)).toBe(idKey(before));
});
