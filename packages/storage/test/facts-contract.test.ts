import { describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { factsContract, MemoryFacts } from '../src/testing/index.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';

describe('facts in SQLite', () => {
  test.each(factsContract)('$name', async ({ run }) => {
    const kept = withTemporaryFolder((folder) =>
      run(() => SqliteFacts.open(join(folder, 'index.db'), { thread: 'same' })),
    );
    await expect(kept).resolves.toBe(undefined);
  });
});

test('changes on a thread of their own', async () => {
  const promise = factsContract.find(({ name }) => name.startsWith('a segment needs'));
  const kept = withTemporaryFolder(
    (folder) =>
      promise?.run(() => SqliteFacts.open(join(folder, 'index.db'), { thread: 'own' })) ??
      Promise.reject(new TypeError('no such promise')),
  );
  await expect(kept).resolves.toBe(undefined);
}, 20_000);

describe('facts in memory', () => {
  test.each(factsContract)('$name', ({ run }) => expect(run(async () => new MemoryFacts())).resolves.toBe(undefined));
});
