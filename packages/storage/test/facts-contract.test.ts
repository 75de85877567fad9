import { describe, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteFacts } from '../src/facts/sqlite-facts.ts';
import { factsContract, MemoryFacts } from '../src/testing/index.ts';

describe('facts in SQLite', () => {
  for (const { name, run } of factsContract) {
    test(name, async () => {
      const path = await mkdtemp(join(tmpdir(), 'coffer-facts-'));
      await run(() => SqliteFacts.open(join(path, 'index.db'), { thread: 'same' })).finally(() =>
        rm(path, { recursive: true }),
      );
    });
  }
});

test('changes on a thread of their own', async () => {
  const path = await mkdtemp(join(tmpdir(), 'coffer-facts-'));
  const open = (): Promise<SqliteFacts> => SqliteFacts.open(join(path, 'index.db'), { thread: 'own' });
  const promise = factsContract.find(({ name }) => name.startsWith('a segment needs'));
  await promise?.run(open).finally(() => rm(path, { recursive: true }));
});

describe('facts in memory', () => {
  for (const { name, run } of factsContract) test(name, () => run(async () => new MemoryFacts()));
});
