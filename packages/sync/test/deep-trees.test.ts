import { mkdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { Scene, zero } from './scene.ts';

/** Deep enough to exhaust the stack of whoever goes down by recursion; a path holds 2,047 levels. */
const depth = 1400;

test('a tree as deep as a path can be goes up, and goes away again', async () => {
  using scene = new Scene();
  scene.write('file', 'x');
  mkdirSync(scene.at(`d${'/a'.repeat(depth)}`), { recursive: true });
  expect(await scene.counts('push')).toEqual({ ...zero, sent: 1 });
  const top = scene.vault.tree.lookup('/docs/d');
  if (top === undefined) throw new TypeError('it was not sent');
  await using batch = scene.vault.batch();
  await batch.remove([top.entry]);
  await batch.commit();
  expect(await scene.counts('pull', { delete: true })).toEqual({ ...zero, unchanged: 1 });
  expect(scene.vault.tree.lookup('/docs/d')).toBeUndefined();
}, 60_000);
