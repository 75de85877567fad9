import { expect, test } from '@jest/globals';
import { rootEntry } from '@coffer/core';
import { nothingYoung } from '../src/scope.ts';
import { PassScope } from '../src/watch/pass-scope.ts';
import { FakeVault } from './fake-vault.ts';

const nothing = { directories: new Set<string>(), trees: new Set<string>() };

test('a root that is another entry is looked at whole until a pass has succeeded', async () => {
  const vault = new FakeVault();
  await vault.putText('/docs/a', '1');
  const scope = new PassScope({ vault, path: '/docs', young: nothingYoung });
  expect(scope.at(nothing, 0).isWhole).toBe(true);
  scope.succeeded();
  expect(scope.at(nothing, scope.plannedSeq).isWhole).toBe(false);
  const docs = vault.tree.lookup('/docs')?.entry ?? rootEntry;
  await vault.asOther((batch) => batch.move(docs, { parent: rootEntry, name: 'docs.old' }));
  await vault.putText('/docs/b', '2');
  const seen = scope.plannedSeq;
  expect(scope.at(nothing, seen).isWhole).toBe(true);
  // The pass failed.
  expect(scope.at(nothing, seen).isWhole).toBe(true);
  scope.succeeded();
  expect(scope.at(nothing, scope.plannedSeq).isWhole).toBe(false);
});

test('a directory that took the place of another is looked at by all plans until a pass has succeeded', async () => {
  const vault = new FakeVault();
  await vault.putText('/docs/a/b', '1');
  const scope = new PassScope({ vault, path: '/docs', young: nothingYoung });
  scope.at(undefined, 0);
  scope.succeeded();
  const plan = (): boolean => scope.at(nothing, vault.tree.seq).reaches('a/below');
  expect(plan()).toBe(false);
  scope.at(nothing, vault.tree.seq).onOther?.('a');
  expect([plan(), plan()]).toEqual([true, true]);
  scope.succeeded();
  expect(plan()).toBe(false);
});
