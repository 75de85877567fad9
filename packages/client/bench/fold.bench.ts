import { rootEntry, newEntryId, systemClock, systemRandom } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { Operation, Ref } from '@coffer/journal';
import { pulled, TestJournal } from '../test/support/test-journal.ts';
import { file, fileRef } from '../test/support/operations.ts';

/*
 * Question: how long does folding a commit of 1,000 new files take, judging and opening included?
 * Bound: 30 ms (JOURNAL §Fold). Run: tsx --conditions=source packages/client/bench/fold.bench.ts
 */
/** Processor time: a busy machine does not change it much. */
const cpuMs = (): number => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;

const commits = 40;
const world = new TestJournal();
const journal = world.reader();
journal.fold(pulled(world.head), 0);
const folders = Array.from({ length: 20 }, () => newEntryId(systemClock, systemRandom));
const folderPuts = folders.map((entry, index): Operation => [
  'put',
  entry,
  rootEntry,
  `folder ${index}`,
  'directory',
  0,
  [1, 2],
  0o755,
  [],
]);
journal.fold(pulled(world.commit(folderPuts, [])), 1);

const times: number[] = [];
for (let round = 0; round < commits; round += 1) {
  const { operations, refs } = files(round);
  const commit = world.commit(operations, refs);
  const before = cpuMs();
  journal.fold(pulled(commit), commit.header.seq - 1);
  times.push(cpuMs() - before);
}
const sorted = times.toSorted((x, y) => x - y);
console.log(
  `1,000 operations: median ${sorted[commits / 2]?.toFixed(1)} ms, best ${sorted[0]?.toFixed(1)} ms, worst ${sorted.at(-1)?.toFixed(1)} ms`,
);

const listed = cpuMs();
const { length } = [...journal.tree.walk(rootEntry)];
console.log(`walk of ${length} entries: ${(cpuMs() - listed).toFixed(0)} ms`);

function files(round: number): { operations: Operation[]; refs: Ref[] } {
  const operations: Operation[] = [];
  const refs: Ref[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const entry: EntryId = newEntryId(systemClock, systemRandom);
    const parent = folders[index % folders.length] ?? rootEntry;
    operations.push(file(entry, { parent, name: `file ${round} ${index}`, content: round * 1000 + index }));
    refs.push(fileRef(entry, world.account));
  }
  return { operations, refs };
}
