import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Plan } from '../src/plan.ts';
import { sameVersion } from '../src/remote-tree.ts';
import { nothingYoung, touchedScope } from '../src/scope.ts';
import type { Scope } from '../src/scope.ts';
import { MemoryFolder, MemoryVault } from './memory-sides.ts';
import type { MemoryNode } from './memory-sides.ts';
import { ModelJob } from './model-job.ts';
import { snapshotOf, touchedBetween } from './touched-model.ts';
import type { Snapshot } from './touched-model.ts';

/** Few names and little depth, so that everything collides with everything. */
const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));

const kinds = ['write', 'write', 'remove', 'rename', 'rename', 'directory', 'mode', 'replace'];

const editOf = (...others: readonly string[]) =>
  fc.record({
    side: fc.constantFrom('folder' as const, 'folder' as const, 'vault' as const),
    kind: fc.constantFrom(...kinds, ...others),
    path,
    to: path,
  });
const edit = editOf();
type Edit = typeof edit extends fc.Arbitrary<infer Type> ? Type : never;

const round = fc.record({
  edits: fc.array(edit, { maxLength: 8 }),
  mode: fc.constantFrom('push' as const, 'pull' as const),
  delete: fc.boolean(),
});

let written = 0;

/** One change as a person makes it; what cannot be done is not done. Every content is new, so it tells where it came from. */
function apply({ folder, vault, history }: ModelJob, { side, kind, path: at, to }: Edit): void {
  const tree = side === 'folder' ? folder : vault;
  const node = tree.at(at);
  written += 1;
  if (kind === 'write') tree.write(at, `content ${written}`);
  else if (kind === 'directory') tree.makeDirectory(at);
  else if (node !== undefined && kind === 'remove') tree.remove(node);
  else if (node !== undefined && kind === 'mode') node.mode ^= 0o001;
  else if (node !== undefined && kind === 'rename') rename(tree, node, to);
  else if (node !== undefined && kind === 'swap') swap(tree, node, tree.at(to));
  else if (node !== undefined && kind === 'replace') {
    tree.remove(node);
    if (node.children === undefined) tree.makeDirectory(at);
    else tree.write(at, `content ${written}`);
  }
  if (side === 'vault') for (const file of vault.files().values()) history.add(file.content);
}

function rename(tree: MemoryFolder | MemoryVault, node: MemoryNode, to: string): void {
  const slash = to.lastIndexOf('/');
  const parent = tree.at(to.slice(0, Math.max(0, slash)));
  if (parent !== undefined) tree.rename(node, parent, to.slice(slash + 1));
}

/** Two change places, as `mv app app.old; mv app.new app` makes it: what is at the path now is another one, with others below. */
function swap(tree: MemoryFolder | MemoryVault, one: MemoryNode, two: MemoryNode | undefined): void {
  const [parent, otherParent] = [one.parent, two?.parent];
  if (two === undefined || parent === undefined || otherParent === undefined || isIn(one, two) || isIn(two, one))
    return;
  const [name, otherName] = [one.name, two.name];
  tree.rename(one, tree.top, 'aside');
  tree.rename(two, parent, name);
  tree.rename(one, otherParent, otherName);
}

function isIn(node: MemoryNode, above: MemoryNode): boolean {
  for (let at: MemoryNode | undefined = node; at !== undefined; at = at.parent) if (at === above) return true;
  return false;
}

function texts(files: Map<string, MemoryNode>): Record<string, string> {
  return Object.fromEntries([...files].map(([at, node]) => [at, node.content]));
}

/** What must be true after a push, by a naive comparison of both trees. */
function checkPush(job: ModelJob, before: Before, withDelete: boolean): void {
  const folder = job.folder.files();
  const vault = job.vault.files();
  expect(texts(vault)).toMatchObject(texts(folder));
  for (const [at, node] of vault) {
    if (folder.has(at)) continue;
    if (!withDelete) continue;
    // Only what another device changed since base may stay.
    const stamp = job.vault.stamp(node);
    expect(before.stamps.some((known) => sameVersion(known, stamp))).toBe(false);
  }
  if (withDelete) return;
  const live = new Set([...vault.values()].map(({ number }) => number));
  for (const [at, node] of before.vault) if (!live.has(node.number)) expectReplaced(job, at, node);
}

/** Without `--delete` a file only goes when something else has its place: in its directory, whatever that is called by now. */
function expectReplaced({ folder, vault }: ModelJob, at: string, { parent }: MemoryNode): void {
  if (parent === undefined) throw new Error('a file without a directory');
  expect(vault.find(vault.entry(parent))).toBe(parent);
  expect(folder.at([...namesOf(parent), at.slice(at.lastIndexOf('/') + 1)].join('/'))).toBeDefined();
}

/** From the top down. */
function namesOf(node: MemoryNode): readonly string[] {
  return node.parent === undefined ? [] : [...namesOf(node.parent), node.name];
}

/** What must be true after a pull. */
function checkPull(job: ModelJob, before: Before): void {
  const folder = job.folder.files();
  expect(texts(folder)).toMatchObject(texts(job.vault.files()));
  const here = new Set([...folder.values()].map(({ content }) => content));
  for (const content of before.contents) expect(here.has(content) || job.history.has(content)).toBe(true);
}

interface Before {
  readonly stamps: readonly string[];
  readonly vault: Map<string, MemoryNode>;
  readonly contents: readonly string[];
}

/** Answers whether base then knows all of the vault. */
function runRound(job: ModelJob, mode: 'push' | 'pull', withDelete: boolean): boolean {
  const files = job.folder.files();
  const before = {
    stamps: job.base.stamps(),
    vault: job.vault.files(),
    contents: [...files.values()].map((node) => node.content),
  };
  const { complete } = job.run(mode, { delete: withDelete });
  if (mode === 'push') checkPush(job, before, withDelete);
  else checkPull(job, before);
  expect(linesOf(job.plan(mode, { delete: withDelete }))).toEqual([]);
  if (complete) expectShortcut(job, mode === 'push' ? 'pull' : 'push', withDelete);
  return complete;
}

/** Where base knows all of the vault, the vault need not be read, whatever happened in the folder. */
function expectShortcut(job: ModelJob, mode: 'push' | 'pull', withDelete: boolean): void {
  expect(linesOf(job.plan(mode, { delete: withDelete }, true))).toEqual(
    linesOf(job.plan(mode, { delete: withDelete })),
  );
}

function linesOf({ structure, contents, removals, directories }: Plan): readonly string[] {
  const steps = [...structure, ...contents, ...removals, ...directories];
  return steps.map(({ action, name, reason }) => `${action} ${name}: ${reason}`).toSorted();
}

/** What one side wrote since both agreed, and what neither side gave up: of two places, each side may give up one. */
function mustSurvive({ folder, vault }: ModelJob, agreed: readonly string[]): readonly string[] {
  const [here, there] = [new Set(contentsOf(folder)), new Set(contentsOf(vault))];
  const isInOnePlace = (content: string): boolean => agreed.indexOf(content) === agreed.lastIndexOf(content);
  return [...here.union(there)].filter(
    (content) => !agreed.includes(content) || (isInOnePlace(content) && here.has(content) && there.has(content)),
  );
}

function contentsOf(tree: MemoryFolder | MemoryVault): readonly string[] {
  return [...tree.files().values()].map(({ content }) => content);
}

interface Snapshots {
  readonly folder: Snapshot;
  readonly vault: Snapshot;
}

function snapshots({ folder, vault }: ModelJob): Snapshots {
  return { folder: snapshotOf(folder), vault: snapshotOf(vault) };
}

function scopeOf(moments: readonly Snapshots[], others: Set<string>): Scope {
  const directories: string[] = [];
  const trees: string[] = [];
  for (const [index, now] of moments.entries()) {
    const before = moments[index - 1];
    if (before === undefined) continue;
    const here = touchedBetween(before.folder, now.folder);
    directories.push(...here.directories, ...touchedBetween(before.vault, now.vault).directories);
    trees.push(...here.trees);
  }
  return touchedScope({ directories, trees, others, young: nothingYoung });
}

/** Rounds that failed once. */
const found = {
  'a file that became a directory goes although its parent was renamed with it': [
    { edits: [edited('folder', 'write', 'c/b/c')], mode: 'push' },
    { edits: [edited('folder', 'replace', 'c/b/c'), edited('folder', 'rename', 'c', 'a')], mode: 'push' },
    { edits: [], mode: 'push' },
  ],
  'a pull keeps a file under a name that it has yet to fetch': [
    { edits: [edited('folder', 'directory', 'b'), edited('vault', 'write', 'b')], mode: 'push' },
    { edits: [edited('folder', 'rename', 'b', 'a'), edited('folder', 'write', 'b')], mode: 'push' },
    { edits: [edited('folder', 'write', 'b')], mode: 'pull' },
  ],
} as const;

function edited(side: Edit['side'], kind: Edit['kind'], at: string, to = at): Edit {
  return { side, kind, path: at, to };
}

interface Round {
  readonly edits: readonly Edit[];
  readonly mode: 'push' | 'pull';
  readonly delete?: boolean;
}

function expectConvergence(rounds: readonly Round[]): void {
  const job = new ModelJob(new MemoryFolder(), new MemoryVault());
  let complete = false;
  for (const { edits, mode, delete: withDelete = false } of rounds) {
    for (const change of edits) apply(job, change);
    if (complete && edits.every(({ side }) => side === 'folder')) expectShortcut(job, mode, withDelete);
    complete = runRound(job, mode, withDelete);
    expect(job.base.root()).toBeDefined();
  }
}

function expectBothAgree(rounds: readonly (readonly Edit[])[]): void {
  const job = new ModelJob(new MemoryFolder(), new MemoryVault());
  let agreed: readonly string[] = [];
  for (const edits of rounds) {
    for (const change of edits) apply(job, change);
    const must = mustSurvive(job, agreed);
    job.runTwoWay();
    expect(texts(job.folder.files())).toEqual(texts(job.vault.files()));
    agreed = contentsOf(job.folder);
    expect(must.filter((content) => !agreed.includes(content))).toEqual([]);
    for (const mode of ['push', 'pull'] as const) {
      expect(linesOf(job.plan(mode, { delete: true, twoWay: 'before-pull' }))).toEqual([]);
    }
  }
}

function expectNothingMissed(rounds: readonly (readonly Edit[])[]): void {
  const job = new ModelJob(new MemoryFolder(), new MemoryVault());
  let agreed: readonly string[] = [];
  // Since the last plan: what its run did, and what happened afterwards.
  let since = [snapshots(job)];
  job.runTwoWay();
  for (const edits of rounds) {
    since.push(snapshots(job));
    for (const change of edits) apply(job, change);
    const must = mustSurvive(job, agreed);
    const seen = since;
    since = [snapshots(job)];
    const others = new Set<string>();
    job.runTwoWay(() => scopeOf([...seen, snapshots(job)], others));
    expect(texts(job.folder.files())).toEqual(texts(job.vault.files()));
    agreed = contentsOf(job.folder);
    expect(must.filter((content) => !agreed.includes(content))).toEqual([]);
    for (const mode of ['push', 'pull'] as const) {
      expect(linesOf(job.plan(mode, { delete: true, twoWay: 'before-pull' }))).toEqual([]);
    }
  }
}

describe('the planner', () => {
  test('converges, loses nothing, and finds nothing to do the second time', () => {
    fc.assert(fc.property(fc.array(round, { minLength: 1, maxLength: 5 }), expectConvergence), { numRuns: 1000 });
  }, 60_000);

  test.each(Object.entries(found))('%s', (_what, rounds) => {
    expect(() => expectConvergence(rounds)).not.toThrow();
  });

  test('two-way: both sides end with the same and with every change, and then there is nothing to do', () => {
    fc.assert(
      fc.property(fc.array(fc.array(edit, { maxLength: 8 }), { minLength: 1, maxLength: 5 }), expectBothAgree),
      { numRuns: 1000 },
    );
  }, 60_000);

  test('two-way: a file there and a directory here of one name, in a directory that was renamed there', () => {
    const rounds = [
      [edited('folder', 'directory', 'c'), edited('folder', 'write', 'a/a')],
      [edited('vault', 'write', 'a/c'), edited('folder', 'write', 'a/c/a'), edited('vault', 'rename', 'a', 'c/a')],
    ];
    expect(() => expectBothAgree(rounds)).not.toThrow();
  });

  test('two-way: of a content that is in two places, each side may remove one', () => {
    const rounds = [
      [edited('folder', 'write', 'c/a/a')],
      [edited('folder', 'write', 'a')],
      [edited('folder', 'swap', 'c/a', 'a'), edited('vault', 'write', 'c/a/b')],
      [edited('vault', 'replace', 'a'), edited('folder', 'remove', 'c')],
    ];
    expect(() => expectNothingMissed(rounds)).not.toThrow();
  });

  test('two-way: a file that was renamed here, in a directory that was renamed there to one that is new here', () => {
    const rounds = [
      [edited('folder', 'write', 'a/c')],
      [edited('folder', 'write', 'b/a'), edited('folder', 'rename', 'a/c', 'a/a'), edited('vault', 'rename', 'a', 'b')],
      [],
      [],
    ];
    expect(() => expectNothingMissed(rounds)).not.toThrow();
  });

  test('two-way, with a look at what was touched alone: nothing is missed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(editOf('swap'), { maxLength: 6 }), { minLength: 2, maxLength: 6 }),
        expectNothingMissed,
      ),
      { numRuns: 1000 },
    );
  }, 60_000);

  test('a push from one folder and a pull into another make them equal', () => {
    fc.assert(
      fc.property(fc.array(fc.array(edit, { maxLength: 10 }), { minLength: 1, maxLength: 4 }), (rounds) => {
        const vault = new MemoryVault();
        const one = new ModelJob(new MemoryFolder(), vault);
        const two = new ModelJob(new MemoryFolder(), vault);
        for (const edits of rounds) {
          for (const change of edits) apply(one, { ...change, side: 'folder' });
          one.run('push', { delete: true });
          two.run('pull', { delete: true });
          expect(texts(vault.files())).toEqual(texts(one.folder.files()));
          expect(texts(two.folder.files())).toEqual(texts(one.folder.files()));
        }
      }),
      { numRuns: 1000 },
    );
  }, 60_000);
});
