import { describe, expect, test } from '@jest/globals';
import type { VaultPin } from '../src/state/vault-journal.ts';
import { directory, entryId } from './support/operations.ts';
import { pulled, TestJournal } from './support/test-journal.ts';

/** A device that has folded five commits, and a server that was restored to the third and went on from there. */
function restored() {
  const world = new TestJournal();
  for (const n of [1, 2]) world.commit([directory(entryId(n), { name: `before ${n}` })], []);
  const server = world.fork();
  const cut: VaultPin = { seq: 3, hash: world.head.hash, epoch: 0, cut: 2 };
  for (const n of [3, 4]) world.commit([directory(entryId(n), { name: `lost ${n}` })], []);
  for (const n of [5, 6, 7]) server.commit([directory(entryId(n), { name: `after ${n}` })], []);
  const journal = world.reader();
  journal.fold(pulled(...world.commits), 0);
  return { server, cut, journal };
}

function names(journal: ReturnType<TestJournal['reader']>): (string | Uint8Array)[] {
  return journal.tree.children(new Uint8Array(16)).map(({ name }) => name);
}

describe('a journal that its server went back behind, with the word of the authority', () => {
  test('is folded anew, once', () => {
    const { server, cut, journal } = restored();
    expect(names(journal)).toContain('lost 3');
    expect(journal.begin(cut)).toBe(true);
    expect(journal.state).toBe(undefined);
    journal.fold(pulled(...server.commits), 0);
    expect(names(journal)).toEqual(['after 5', 'after 6', 'after 7', 'before 1', 'before 2']);
    expect(journal.begin(cut)).toBe(false);
    expect(journal.state?.seq).toBe(6);
  });

  test('is kept when the place it went back to is not one that this device has passed', () => {
    const { cut, journal } = restored();
    const elsewhere = { ...cut, hash: new Uint8Array(32).fill(1) };
    expect(() => journal.begin(elsewhere)).toThrow(expect.objectContaining({ code: 'ROLLBACK' }));
    expect(names(journal)).toContain('lost 4');
  });

  test('must pass the signed place when it is folded anew', () => {
    const { server, cut, journal } = restored();
    journal.begin(cut);
    const short = server.fork();
    short.commits.length = 2;
    for (const n of [8, 9]) short.commit([directory(entryId(n), { name: `never ${n}` })], []);
    const fold = (): unknown => journal.fold(pulled(...short.commits), 0);
    expect(fold).toThrow(expect.objectContaining({ code: 'ROLLBACK' }));
  });
});
